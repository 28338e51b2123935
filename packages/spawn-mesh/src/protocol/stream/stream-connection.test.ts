/** Two ends over a socket of this machine. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { FrameKind } from "./frames.ts";
import { StreamConnection } from "./stream-connection.ts";
import type { Lost, StreamLimits, StreamListener } from "./stream-connection.ts";

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

async function sockets(): Promise<readonly [Socket, Socket]> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  open.push(near, far);
  return [near, far];
}

function endOf(
  socket: Socket,
  listener: Partial<StreamListener> = {},
  limits: Partial<StreamLimits> = {},
): { readonly end: StreamConnection; readonly closed: Promise<string> } {
  const closed = Promise.withResolvers<string>();
  const end: StreamConnection = new StreamConnection(
    socket,
    { bodyBytesMax: 1_000, ...limits },
    {
      asked: (_kind, id, body) => end.answer(id, FrameKind.done, body),
      tooLarge: (_kind, id) => end.answer(id, FrameKind.failed),
      cancelled: () => undefined,
      closed: closed.resolve,
      ...listener,
    },
  );
  return { end, closed: closed.promise };
}

/** What is answered, or why nothing is. */
function ask(end: StreamConnection, body: string): Promise<string | Lost> {
  return new Promise((resolve) => {
    end.ask(FrameKind.invoke, Buffer.from(body), {
      answered: (_kind, answer) => resolve(answer.toString()),
      lost: resolve,
    });
  });
}

describe("a stream", () => {
  test("answers many requests at once, in both directions", async () => {
    const [left, right] = await sockets();
    const { end: near } = endOf(left);
    const { end: far } = endOf(right);
    const texts = Array.from({ length: 500 }, (_, number) => `request ${number}`);
    expect(await Promise.all(texts.map((text) => ask(near, text)))).toEqual(texts);
    expect(await Promise.all(texts.map((text) => ask(far, text)))).toEqual(texts);
  });

  test("tells whoever waits when the other end is gone", async () => {
    const [left, right] = await sockets();
    const { end, closed } = endOf(left);
    endOf(right, { asked: () => undefined });
    const waiting = ask(end, "hello");
    await sleep(20);
    right.destroy();
    expect(await waiting).toMatchObject({ isTooLarge: false });
    expect(await closed).toMatch(/ended/);
    expect(end.isOpen).toBe(false);
  });

  test("says what is left when it ends, and nothing of what comes after", async () => {
    const [left, right] = await sockets();
    const { end: near } = endOf(left);
    const { end: far } = endOf(right, {
      asked: (_kind, id) => {
        far.answer(id, FrameKind.done, Buffer.from("farewell"));
        far.end("enough");
        far.answer(id, FrameKind.done, Buffer.from("too late"));
      },
    });
    expect(await ask(near, "hello")).toBe("farewell");
  });

  test("forgets a request that is given up, and tells the other end", async () => {
    const [left, right] = await sockets();
    const cancelled = Promise.withResolvers<number>();
    const { end: near } = endOf(left);
    endOf(right, { asked: () => undefined, cancelled: cancelled.resolve });
    const heard: unknown[] = [];
    const id = near.ask(FrameKind.run, Buffer.from("x"), {
      answered: (...answer) => heard.push(answer),
      lost: (lost) => heard.push(lost),
    });
    near.giveUp(id);
    expect(await cancelled.promise).toBe(id);
    near.close("over");
    expect(heard).toEqual([]);
  });

  test("that has ended says so to who asks it then, and that nothing was sent", async () => {
    const [left, right] = await sockets();
    const { end } = endOf(left);
    endOf(right);
    end.close("enough");
    let hasReturned = false;
    const lost = new Promise((resolve) => {
      const waiter = {
        answered: resolve,
        lost: (told: Lost) => resolve({ ...told, hasReturned }),
      };
      end.ask(FrameKind.invoke, Buffer.from("x"), waiter);
      hasReturned = true;
    });
    expect(await lost).toEqual({
      reason: "enough",
      isTooLarge: false,
      isUnsent: true,
      hasReturned: true,
    });
    const nobody = {
      answered: () => expect.unreachable(),
      lost: () => expect.unreachable(),
    };
    end.giveUp(end.ask(FrameKind.invoke, Buffer.from("x"), nobody));
    await sleep(0);
  });

  test("loses an answer that is larger than it may be, and goes on", async () => {
    const [left, right] = await sockets();
    const { end: near } = endOf(left, {}, { bodyBytesMax: 10 });
    endOf(right);
    expect(await ask(near, "twelve bytes")).toMatchObject({ isTooLarge: true });
    expect(await ask(near, "ten bytes!")).toBe("ten bytes!");
  });

  test("notices an end that is there and says nothing", async () => {
    const [left] = await sockets();
    const { closed } = endOf(left, {}, { heartbeatMs: 10 });
    expect(await closed).toBe("nothing was heard for too long");
  });

  test("ends when a frame does not come to its end, although something of it comes", async () => {
    const [left, right] = await sockets();
    const { closed } = endOf(left, {}, { heartbeatMs: 10, frameMsMax: 50 });
    const head = Buffer.from([0, 0, 3, 0, FrameKind.invoke, 0, 0, 0, 1]);
    right.resume().on("error", () => undefined);
    right.write(head);
    const dribble = setInterval(() => right.write("x"), 5);
    expect(await closed).toBe("a frame has not come to its end for too long");
    clearInterval(dribble);
  });

  test("takes many frames in a row that are each in time", async () => {
    const [left, right] = await sockets();
    const { end } = endOf(left, {}, { heartbeatMs: 10, frameMsMax: 100 });
    right.resume();
    const once = Buffer.concat([
      Buffer.from([0, 0, 0, 2, FrameKind.cancel, 0, 0, 0, 1]),
      Buffer.from("xx"),
    ]);
    for (let sent = 0; sent < 60; sent++) {
      right.write(
        sent === 0
          ? once.subarray(0, 10)
          : Buffer.concat([once.subarray(10), once.subarray(0, 10)]),
      );
      await sleep(5);
    }
    expect(end.isOpen).toBe(true);
  });

  test("stays open while both ends say that they are there, and nothing else", async () => {
    const [left, right] = await sockets();
    const { end } = endOf(left, {}, { heartbeatMs: 10 });
    endOf(right, {}, { heartbeatMs: 10 });
    await sleep(200);
    expect(end.isOpen).toBe(true);
    expect(await ask(end, "hello")).toBe("hello");
  });
});
