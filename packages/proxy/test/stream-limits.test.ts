/** What a stream does not take, and what it does not keep. */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { actor, connect } from "spawn-mesh";
import { FrameKind, InvocationResponseSchema, RefusalSchema, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter } from "./fixtures/counter.ts";
import { ProxyProcess } from "./fixtures/proxy-process.ts";
import { callOf, frame, framesOf, openRawStream } from "./fixtures/raw-stream.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonPayload } from "./fixtures/values.ts";
import { failureOf, startBeside, urlOf } from "./sidecar/start-sidecar.ts";

const MEBIBYTE = 1024 * 1024;

const keeper = actor("keeper", {
  kind: "unnamed",
  state: () => ({ text: "" }),
  actions: {
    keep(ctx, { bytes }: { bytes: number }) {
      ctx.state.text = "x".repeat(bytes);
      return ctx.state.text.length;
    },
    length: (ctx) => ctx.state.text.length,
  },
});

/** The payload of a call that takes nearly all that a call may have. */
const LARGE = create(AnySchema, { typeUrl: "example.com/large", value: new Uint8Array(99_000) });

function memoryOf({ pid }: ProxyProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

/** The first frame with that id. */
async function answerTo(socket: Awaited<ReturnType<typeof openRawStream>>, id: number) {
  for await (const came of framesOf(socket)) if (came.id === id) return came;
  throw new Error("the stream has ended");
}

describe("a stream", () => {
  test("carries states and answers of many megabytes", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: `${40 * MEBIBYTE}` });
    await using host = await TestHost.start({
      big: () => ({ payload: jsonPayload({ text: "x".repeat(16 * MEBIBYTE) }) }),
    });
    await proxy.client.register([counter("giant", { actions: [{ name: "big" }] })], host);
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
    const { text } = await spawn.invoke<{ text: string }>("giant", { action: "big" });
    expect(text.length).toBe(16 * MEBIBYTE);
  });

  test("carries states to hosts and back in pieces that one read does not hold", async () => {
    await using proxy = await startTestProxy();
    await using _system = await startBeside(proxy, [keeper]);
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
    const sizes = [1, 65_526, 65_527, 65_536, 900_000];
    const lengths = sizes.map(async (bytes, index) => {
      const kept = spawn.actor(keeper, `k-${index}`);
      await kept.keep({ bytes });
      return await kept.length();
    });
    expect(await Promise.all(lengths)).toEqual(sizes);
  });

  test("refuses a call that is too large, and goes on", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: "2048" });
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
    const large = spawn.invoke("nobody", { action: "add", payload: "x".repeat(3_000) });
    expect(await failureOf(large)).toBe("PAYLOAD_TOO_LARGE no");
    expect(await failureOf(spawn.invoke("nobody", { action: "add" }))).toBe("ACTOR_NOT_FOUND no");
    expect(proxy.logged).not.toContain("info stream-closed");
  });

  test("ends at a frame that is far too large", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: "2048" });
    const socket = await openRawStream(proxy);
    socket.resume().write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(() => proxy.logged.includes("info stream-closed"));
    await until(() => socket.destroyed);
  });

  test("ends at a frame of a kind that there is not, and others go on", async () => {
    await using proxy = await startTestProxy();
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
    expect(await failureOf(spawn.invoke("nobody", { action: "add" }))).toBe("ACTOR_NOT_FOUND no");
    const socket = await openRawStream(proxy);
    socket.resume().write(frame(99, 1));
    await until(() => socket.destroyed);
    expect(proxy.logged.filter((line) => line === "info stream-closed")).toHaveLength(1);
    expect(await failureOf(spawn.invoke("nobody", { action: "add" }))).toBe("ACTOR_NOT_FOUND no");
  });

  test("answers what is no request of a program, and bytes that are no message", async () => {
    await using proxy = await startTestProxy();
    const socket = await openRawStream(proxy);
    socket.write(frame(FrameKind.done, 77));
    socket.write(frame(FrameKind.cancel, 77));
    socket.write(frame(FrameKind.invoke, 5, Buffer.from("what is this?")));
    const bad = await answerTo(socket, 5);
    expect(bad.kind).toBe(FrameKind.failed);
    expect(fromBinary(RefusalSchema, bad.body)).toMatchObject({
      code: "INVALID_ARGUMENT",
      applied: "no",
    });
    expect(fromBinary(InvocationResponseSchema, bad.body).status?.status).toBe(Status.ERROR);
    const other = await openRawStream(proxy);
    other.write(frame(FrameKind.run, 6));
    const run = await answerTo(other, 6);
    expect(fromBinary(RefusalSchema, run.body).code).toBe("INVALID_ARGUMENT");
    other.destroy();
  });

  test("refuses in words what has the number of a field of ours, and is something else", async () => {
    await using proxy = await startTestProxy();
    const socket = await openRawStream(proxy);
    const runId = new BinaryWriter().tag(1_000, WireType.Varint).uint32(200).finish();
    const call = Buffer.concat([callOf("nobody", "add"), runId]);
    const answer = answerTo(socket, 4);
    socket.write(frame(FrameKind.invoke, 4, call));
    expect(fromBinary(RefusalSchema, (await answer).body).code).toBe("INVALID_ARGUMENT");
    expect(proxy.logged).not.toContain("error request-failed");
  });

  test("keeps no more halves of calls than others do, and takes them again when those are gone", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: "100000" });
    const call = callOf("nobody", "add", { payload: { case: "value", value: LARGE } });
    const whole = frame(FrameKind.invoke, 3, call);
    const halves = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const socket = await openRawStream(proxy);
        socket.write(whole.subarray(0, 90_000));
        return socket;
      }),
    );
    await sleep(200);
    const answers = halves.map(async (socket) => {
      const answer = answerTo(socket, 3);
      socket.write(whole.subarray(90_000));
      return fromBinary(RefusalSchema, (await answer).body).code;
    });
    const codes = await Promise.all(answers);
    expect(codes.filter((code) => code === "OVERLOADED").length).toBeGreaterThanOrEqual(4);
    expect(codes.filter((code) => code === "ACTOR_NOT_FOUND").length).toBeGreaterThanOrEqual(30);
    const socket = await openRawStream(proxy);
    const answer = answerTo(socket, 3);
    socket.write(whole);
    expect(fromBinary(RefusalSchema, (await answer).body).code).toBe("ACTOR_NOT_FOUND");
  });

  test("takes frames one byte after the other", async () => {
    await using proxy = await startTestProxy();
    const socket = await openRawStream(proxy);
    socket.setNoDelay(true);
    const answer = answerTo(socket, 9);
    for (const byte of frame(FrameKind.invoke, 9, callOf("nobody", "add"))) {
      socket.write(Buffer.from([byte]));
      await sleep(0);
    }
    expect(fromBinary(RefusalSchema, (await answer).body).code).toBe("ACTOR_NOT_FOUND");
  });
});

/** A call that is answered with what {@link startWithBig} has. */
const READ_BIG = callOf("big", "get", { registerRef: "keeper" });

/** A proxy with an actor whose state is nearly as large as a body may be. */
async function startWithBig(environment: Readonly<Record<string, string>> = {}) {
  const proxy = await ProxyProcess.start({ PROXY_DATABASE_TYPE: "memory", ...environment });
  const system = await startBeside(proxy, [keeper]);
  const big = system.actor(keeper, "big");
  await big.keep({ bytes: 900_000 });
  return {
    proxy,
    big,
    async [Symbol.asyncDispose]() {
      await system.stop();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

describe("a program that does not read", () => {
  test(
    "is cut off when it and others like it have asked for more than the proxy keeps",
    { timeout: 60_000 },
    async () => {
      await using t = await startWithBig({ SPAWN_BODY_BYTES_MAX: "1000000" });
      const { proxy, big } = t;
      const many = Array.from({ length: 20 }, (_, id) => frame(FrameKind.invoke, id + 1, READ_BIG));
      const sockets = [];
      for (let programs = 0; programs < 12; programs++) {
        const socket = await openRawStream(proxy);
        socket.write(Buffer.concat(many));
        sockets.push(socket);
      }
      const cutOff = (): number =>
        proxy.said.filter((line) => /stream-closed.*were not read/.test(line)).length;
      await until(() => cutOff() >= 8);
      expect(await big.length()).toBe(900_000);
      for (const socket of sockets) socket.destroy();
    },
  );

  test("is not read from, and takes no memory without end", { timeout: 60_000 }, async () => {
    await using t = await startWithBig();
    const { proxy, big } = t;
    const before = memoryOf(proxy);
    const socket = await openRawStream(proxy);
    let sent = 0;
    // It says much more than a connection holds, as fast as that is taken.
    const ballast = frame(FrameKind.done, 0, Buffer.alloc(50_000));
    const saying = Readable.from(
      (function* () {
        while (++sent < 5_000)
          yield Buffer.concat([frame(FrameKind.invoke, sent, READ_BIG), ballast]);
      })(),
    );
    saying.pipe(socket);
    await sleep(1_000);
    expect(sent).toBeLessThan(500);
    expect(memoryOf(proxy) - before).toBeLessThan(300_000);
    // Others do not feel it.
    expect(await big.length()).toBe(900_000);
    // When it reads again, all that was asked is answered.
    let answered = 0;
    for await (const { kind } of framesOf(socket)) {
      if (kind === FrameKind.done) answered++;
      if (answered >= 50) break;
    }
    saying.destroy();
    socket.destroy();
    expect(answered).toBe(50);
  });

  test(
    "is cut off when what it has asked for is more than the proxy keeps",
    { timeout: 60_000 },
    async () => {
      await using t = await startWithBig({ SPAWN_BODY_BYTES_MAX: "1000000" });
      const { proxy, big } = t;
      const socket = await openRawStream(proxy);
      const many = Array.from({ length: 80 }, (_, id) => frame(FrameKind.invoke, id + 1, READ_BIG));
      socket.write(Buffer.concat(many));
      await until(
        () => proxy.said.some((line) => /stream-closed.*bytes were not read/.test(line)),
        20_000,
      );
      expect(await big.length()).toBe(900_000);
      socket.destroy();
    },
  );
});
