/** Proxies and programs beside them come, go and come back, in any order. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem, state } from "spawn-mesh";
import type { EngineEvent, Statestore } from "spawn-mesh";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { create, toBinary } from "@bufbuild/protobuf";
import { RegistrationResponseSchema, Status } from "spawn-mesh/protocol";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { until } from "../fixtures/until.ts";
import { stream, connectTo, errorOf, failureOf, startBeside } from "./start-sidecar.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-sidecar-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, value: number) {
      ctx.state.total += value;
      return ctx.state.total;
    },
    async slowly(ctx, ms: number) {
      await sleep(ms);
      ctx.state.total += 1;
      return ctx.state.total;
    },
  },
});

const stored = (name: string) => ({
  PROXY_DATABASE_TYPE: "sqlite",
  PROXY_DATABASE_NAME: join(directory, name),
});

let awaited = 0;

/** A sidecar whose statestore is away. */
function refusing({ method }: IncomingMessage, response: ServerResponse): void {
  if (method === "GET") return void response.writeHead(404).end();
  const headers = { "spawn-error": "STATESTORE_UNAVAILABLE", "spawn-applied": "no" };
  const status = { status: Status.ERROR, message: "there is no database" };
  const refused = create(RegistrationResponseSchema, { status });
  response.writeHead(503, headers).end(toBinary(RegistrationResponseSchema, refused));
}

async function listenAt(path: string, serve: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(serve);
  await once(server.listen(path), "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("a program beside a sidecar", () => {
  test("registers again by itself when the sidecar was away, and goes on where it was", async () => {
    const first = await startTestProxy(stored("restart.db"));
    await using system = await startBeside(first, [counter]);
    expect(await system.actor(counter).add(1)).toBe(1);
    const { port } = first.address as { readonly port: number };
    await first.stop();
    // What is sent before the end of a connection is heard of may have arrived.
    await sleep(50);
    expect(await failureOf(system.actor(counter).add(1))).toBe("NODE_UNAVAILABLE no");
    await using _second = await startTestProxy({
      ...stored("restart.db"),
      PROXY_HTTP_PORT: `${port}`,
    });
    await until(
      async () =>
        (
          await system
            .actor(counter)
            .get()
            .catch(() => ({ total: 0 }))
        ).total > 0,
    );
    expect(await system.actor(counter).add(5)).toBe(6);
  });

  test("may be there before its sidecar", async () => {
    const path = join(directory, "early.sock");
    const system = actorSystem("spawn-system", {
      actors: [counter],
      sidecar: { url: `unix:${path}`, stream },
      handleSignals: false,
    });
    const starting = system.start();
    await using _proxy = await startTestProxy({
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: path,
    });
    await starting;
    expect(await system.actor(counter).add(2)).toBe(2);
    await system.stop();
  });

  test.each([
    ["is not there", undefined, /cannot be reached: connect ENOENT/],
    ["does not answer", () => undefined, /has not answered yet/],
    ["has no database", refusing, /there is no database/],
  ])("says what it waits for while its sidecar %s", async (_what, serve, cause) => {
    const path = join(directory, `awaited-${awaited++}.sock`);
    await using _sidecar = serve && (await listenAt(path, serve));
    const events: EngineEvent[] = [];
    const system = actorSystem("early", {
      actors: [counter],
      sidecar: { url: `unix:${path}`, stream },
      handleSignals: false,
      onEvent: (event) => events.push(event),
    });
    const starting = failureOf(system.start());
    await until(() => events.length > 0);
    await sleep(300);
    expect(events).toEqual([
      {
        type: "sidecar-awaited",
        system: "early",
        cause: expect.objectContaining({ message: expect.stringMatching(cause) }),
      },
    ]);
    const stoppedAt = performance.now();
    await system.stop();
    expect(await starting).toBe("SHUTTING_DOWN no");
    expect(performance.now() - stoppedAt).toBeLessThan(1_000);
  });

  test("that listens to no events warns that it waits", async () => {
    const system = actorSystem("early", {
      actors: [counter],
      sidecar: { url: `unix:${join(directory, "never.sock")}`, stream },
      handleSignals: false,
    });
    const warned = once(process, "warning");
    const starting = failureOf(system.start());
    const [{ message }] = (await warned) as [Error];
    expect(message).toMatch(/^the system early: it waits for its sidecar: .*cannot be reached/);
    await system.stop();
    await starting;
  });

  test("is reached over a Unix socket, by clients too", async () => {
    const path = join(directory, "proxy.sock");
    await using proxy = await startTestProxy({
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: path,
    });
    await using _system = await startBeside(proxy, [counter]);
    await using spawn = connectTo(proxy, { system: "spawn-system" });
    expect(await spawn.actor(counter).add(3)).toBe(3);
  });

  test("calls nobody any more when it is a client that was closed", async () => {
    await using proxy = await startTestProxy();
    await using _system = await startBeside(proxy, [counter]);
    const spawn = connectTo(proxy, { system: "spawn-system" });
    expect(await spawn.actor(counter).add(1)).toBe(1);
    await spawn.close();
    expect(await failureOf(spawn.actor(counter).add(1))).toBe("SHUTTING_DOWN no");
    const unused = connectTo(proxy, { system: "spawn-system" });
    await unused.close();
    const error = await errorOf(unused.actor(counter).add(1));
    expect(`${error.code} ${error.applied}`).toBe("SHUTTING_DOWN no");
    // Not with this client, however often it is tried.
    expect(error.retryable).toBe(false);
    expect(error.message).toContain("this client is closed");
    const options = { idempotencyKey: "k" };
    expect(await failureOf(unused.actor(counter).add(1, options))).toBe("SHUTTING_DOWN unknown");
  });

  test("ends what it runs when it stops, and takes no more", async () => {
    await using proxy = await startTestProxy();
    const system = await startBeside(proxy, [counter]);
    await using spawn = connectTo(proxy, { system: "spawn-system" });
    const slow = spawn.actor(counter).slowly(200);
    await sleep(100);
    await system.stop();
    expect(await slow).toBe(1);
    expect(await failureOf(spawn.actor(counter).add(1, { deadlineMs: 2_000 }))).toMatch(
      /^(HOST_UNAVAILABLE|DEADLINE_EXCEEDED) no$/,
    );
    expect(await failureOf(system.actor(counter).add(1))).toBe("SHUTTING_DOWN no");
    const keyed = system.actor(counter).add(1, { idempotencyKey: "k" });
    expect(await failureOf(keyed)).toBe("SHUTTING_DOWN unknown");
  });

  test("is followed by another one, which goes on with the state", async () => {
    await using proxy = await startTestProxy();
    const first = await startBeside(proxy, [counter]);
    expect(await first.actor(counter).add(1)).toBe(1);
    first.crash();
    await using second = await startBeside(proxy, [counter]);
    expect(await second.actor(counter).add(5)).toBe(6);
  });

  test("brings states of older versions up to date, and refuses newer ones", async () => {
    await using proxy = await startTestProxy();
    const first = state(z.object({ total: z.number() }), () => ({ total: 1 }));
    const before = actor("versioned", {
      state: first,
      actions: { add: (ctx, by: number) => (ctx.state.total += by) },
    });
    const after = actor("versioned", {
      state: first.next(z.object({ totals: z.array(z.number()) }), ({ total }) => ({
        totals: [total],
      })),
      actions: { add: (ctx, by: number) => ctx.state.totals.push(by) },
    });
    const old = await startBeside(proxy, [before]);
    expect(await old.actor(before).add(4)).toBe(5);
    await old.stop();
    {
      await using system = await startBeside(proxy, [after]);
      expect(await system.actor(after).get()).toEqual({ totals: [5] });
      expect(await system.actor(after).add(7)).toBe(2);
      expect(await system.actor(after).get()).toEqual({ totals: [5, 7] });
    }
    await using again = await startBeside(proxy, [before]);
    expect(await failureOf(again.actor(before).get())).toBe("STATE_CORRUPT no");
  });

  test("that is stopped while it waits for its sidecar does not start", async () => {
    const system = actorSystem("early", {
      actors: [counter],
      sidecar: { url: `unix:${join(directory, "never.sock")}`, stream },
      handleSignals: false,
    });
    const starting = failureOf(system.start());
    await sleep(100);
    await system.stop();
    expect(await starting).toBe("SHUTTING_DOWN no");
  });

  test("does not register without end where no connection is kept", async () => {
    let registrations = 0;
    const server = createServer(({ method }, response) => {
      if (method === "POST") registrations++;
      const accepted = create(RegistrationResponseSchema, { status: { status: Status.OK } });
      response.setHeader("connection", "close");
      response.end(toBinary(RegistrationResponseSchema, accepted));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    await using _system = await startBeside({ address: { host: "127.0.0.1", port } }, [counter]);
    await sleep(700);
    expect(registrations).toBe(1);
    server.close();
  });

  test("does not start beside what is no sidecar", async () => {
    const server = createServer((_request, response) => response.writeHead(404).end("nope"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const address = { host: "127.0.0.1", port };
    const error = await errorOf(startBeside({ address }, [counter]));
    expect(error).toMatchObject({
      code: "INTERNAL",
      message: "[INTERNAL] the sidecar answered 404",
    });
    server.close();
    server.closeAllConnections();
  });

  test("says at once which options and definitions a sidecar cannot have", () => {
    const make =
      (options: object, ...actors: readonly object[]) =>
      () =>
        actorSystem("s", { actors: actors as never, sidecar: "http://127.0.0.1:1", ...options });
    expect(make({ statestore: {} as Statestore })).toThrowError(
      /statestore of s: the sidecar keeps/,
    );
    expect(make({ limits: {} })).toThrowError(/limits of s/);
    expect(make({ externals: [{ name: "mailer" }] })).toThrowError(/expected what external/);
    expect(make({ sidecar: "ftp://x" })).toThrowError(/sidecar: expected http:/);
    expect(make({}, counter, counter)).toThrowError(/\[ALREADY_REGISTERED\]/);
    expect(make({}, actor("c", { actions: { init: () => 1 } }))).toThrowError(/named init/);
  });
});
