import { SpawnError } from "../../engine/errors.ts";

/** The longest line: a row with the largest state that databases hold, in base64. */
const LINE_BYTES_MAX = 2 ** 28;
const NEWLINE = 0x0a;

/** What a stream may be made of: a file, a socket, another stream's chunks. */
export type ByteStream = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** The path of a file, for example, is none, although its letters come one after the other. */
function checkStream(stream: unknown): void {
  const given = Object(stream) as object;
  const isStream = Symbol.asyncIterator in given || Symbol.iterator in given;
  if (isStream && typeof stream !== "string") return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `expected a stream of bytes, such as createReadStream(path) of node:fs; got ${typeof stream}`,
  );
}

/**
 * The lines of a stream, each with its end, and what comes behind the last one.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for a line that is too long
 */
export async function* linesOf(stream: ByteStream): AsyncGenerator<Buffer, void, undefined> {
  checkStream(stream);
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let rest: Buffer = Buffer.from(chunk as Uint8Array);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      pieces.push(rest.subarray(0, end + 1));
      yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      pieces = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    length += rest.length;
    if (length > LINE_BYTES_MAX) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the stream has a line of more than ${LINE_BYTES_MAX} bytes: expected an export`,
      );
    }
    if (rest.length > 0) pieces.push(rest);
  }
  if (pieces.length > 0) yield Buffer.concat(pieces);
}
