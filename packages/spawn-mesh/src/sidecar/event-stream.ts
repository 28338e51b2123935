/** Reads a stream of server-sent events (`text/event-stream`). */

/** The longest line, in characters: a publication and its names. */
const LINE_UNITS_MAX = 16 * 1024 * 1024;

/** The data of the events with that name, as they come; ends with the stream. @throws when a line is too long */
export async function* eventsIn(
  stream: AsyncIterable<Uint8Array>,
  name: string,
): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let unread = "";
  let event = "";
  let data: string[] = [];
  for await (const chunk of stream) {
    unread += decoder.decode(chunk, { stream: true });
    const lines = unread.split("\n");
    unread = lines.pop()!;
    if (unread.length > LINE_UNITS_MAX) throw new Error("a line of the event stream is too long");
    for (const line of lines) {
      if (line === "") {
        if (event === name && data.length > 0) yield data.join("\n");
        event = "";
        data = [];
      } else if (line.startsWith("event: ")) event = line.slice("event: ".length);
      else if (line.startsWith("data: ")) data.push(line.slice("data: ".length));
    }
  }
}
