/** The heap of another Node process, asked through its inspector: after a collection, without what is garbage. */

interface Answer {
  readonly id: number;
  readonly result?: { readonly usedSize?: number; readonly backingStorageSize?: number };
}

/** @param port where the process was told to listen with `--inspect` */
export async function inspectHeap(port: number): Promise<() => Promise<number>> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target] = (await listed.json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  let asked = 0;
  const ask = (method: string): Promise<Answer> =>
    new Promise((resolve) => {
      const id = ++asked;
      const onMessage = ({ data }: MessageEvent): void => {
        const answer = JSON.parse(String(data)) as Answer;
        if (answer.id !== id) return;
        socket.removeEventListener("message", onMessage);
        resolve(answer);
      };
      socket.addEventListener("message", onMessage);
      socket.send(JSON.stringify({ id, method }));
    });
  return async () => {
    await ask("HeapProfiler.collectGarbage");
    const { result } = await ask("Runtime.getHeapUsage");
    return (result?.usedSize ?? 0) + (result?.backingStorageSize ?? 0);
  };
}
