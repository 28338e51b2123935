/** Programs in TypeScript beside a proxy that speaks the protocol and no more, as the original Spawn does. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { actor, actorSystem, external } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import {
  ActorIdSchema,
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
  RegistrationRequestSchema,
  RegistrationResponseSchema,
  Status,
} from "spawn-mesh/protocol";
import type {
  ActorInvocationResponse,
  InvocationRequest,
  RegistrationRequest,
} from "spawn-mesh/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, jsonOf, jsonPayload } from "../fixtures/values.ts";
import { errorOf, failureOf } from "./start-sidecar.ts";

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, { value }: { value: number }) {
      ctx.state.total += value;
      ctx.tags = { last: `${value}` };
      return { total: ctx.state.total };
    },
    send(ctx): void {
      ctx.effect(user, "ann").greet("hi", { delayMs: 1_000 });
      ctx.broadcast("news", { n: 1 });
      ctx.forward(counter, "add");
    },
    cancel: (ctx) => ctx.cancel("x"),
    tick: (ctx): string => ctx.effect(user, "ann").greet("hi", { everyMs: 5 }),
    boom() {
      throw new Error("boom");
    },
  },
});
const user = actor("user", {
  kind: "unnamed",
  channels: ["news"],
  state: () => ({ greeted: 0 }),
  actions: { greet: (_ctx, _text: string) => 1, receive: () => 1 },
});

let server: Server;
let url: string;
let system: ActorSystem;
let registration: RegistrationRequest | undefined;
const invoked: InvocationRequest[] = [];
/** The status and message that calls are answered with. */
let answered: MessageInitShape<typeof InvocationResponseSchema>;
const port = 20_000 + (process.pid % 10_000);

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat((await request.toArray()) as Buffer[]);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      if (request.url === "/api/v1/system") {
        registration ??= fromBinary(RegistrationRequestSchema, body);
        const accepted = { status: { status: Status.OK, message: "Accepted" } };
        response.end(
          toBinary(RegistrationResponseSchema, create(RegistrationResponseSchema, accepted)),
        );
      } else if (request.url?.endsWith("/invoke") === true) {
        invoked.push(fromBinary(InvocationRequestSchema, body));
        response.statusCode = answered.status?.status === Status.OK ? 200 : 500;
        response.end(
          toBinary(InvocationResponseSchema, create(InvocationResponseSchema, answered)),
        );
      } else {
        response.writeHead(404).end("Not found!");
      }
    })();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sidecar = { url, port };
  system = actorSystem("foreign", { actors: [counter, user], sidecar, handleSignals: false });
  await system.start();
});
afterAll(async () => {
  await system.stop();
  server.close();
  server.closeAllConnections();
});

/** Calls an action as the proxy does. */
async function call(
  actionName: string,
  init: MessageInitShape<typeof ActorInvocationSchema> = {},
): Promise<ActorInvocationResponse & { readonly http: number }> {
  const id = create(ActorIdSchema, { name: "counter", system: "foreign" });
  const invocation = create(ActorInvocationSchema, { actor: id, actionName, ...init });
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/actors/actions`, {
    method: "POST",
    body: toBinary(ActorInvocationSchema, invocation),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  return { ...fromBinary(ActorInvocationResponseSchema, body), http: response.status };
}

describe("a program beside a foreign proxy", () => {
  test.each([
    ["durability", { durability: "write-behind" }],
    ["revisionsKept", { revisionsKept: 3 }],
    ["expireAfterMs", { expireAfterMs: 1_000 }],
    ["index", { index: () => ({ n: 1 }) }],
    ["cron of timer go", { timers: [{ action: "go", cron: "* * * * *" }] }],
    ["payload of timer go", { timers: [{ action: "go", everyMs: 5, payload: 1 }] }],
  ])("does not start with %s, which that would not keep", async (what, options) => {
    const odd = actor("odd", {
      state: () => ({ n: 0 }),
      actions: { go: () => 1 },
      ...options,
    } as never);
    const sidecar = { url, port: port + 1 };
    const other = actorSystem("odd", { actors: [odd], sidecar, handleSignals: false });
    const error = await errorOf(other.start());
    expect(error.message).toContain(`${what} of odd cannot be had beside a sidecar`);
  });

  test("does not start with something to be done outside, which nobody would ask it for", async () => {
    const sidecar = { url, port: port + 2 };
    const mailer = external("mailer", () => undefined);
    const options = { actors: [], externals: [mailer], sidecar, handleSignals: false };
    const error = await errorOf(actorSystem("odd", options).start());
    expect(error.message).toContain("the external mailer cannot be had beside a sidecar");
  });

  test("registers its actors with what the protocol has", () => {
    const { counter: registered, user: unnamed } = registration!.actorSystem!.registry!.actors;
    expect(registered!.actions.map(({ name }) => name)).toEqual([
      "init",
      "add",
      "send",
      "cancel",
      "tick",
      "boom",
    ]);
    expect(registered!.settings).toMatchObject({ stateful: true, kind: 1 });
    expect(unnamed!.metadata!.channelGroup).toMatchObject([{ topic: "news", action: "receive" }]);
  });

  test("makes the first state, and changes what it is given", async () => {
    const first = await call("init");
    expect(jsonOf(first.updatedContext?.state)).toEqual({ total: 0 });
    const currentContext = { state: json({ total: 4 }), tags: { a: "b" } };
    const added = await call("add", { currentContext, payload: jsonPayload({ value: 2 }) });
    expect(jsonOf(added.updatedContext?.state)).toEqual({ total: 6 });
    expect(added.updatedContext?.tags).toEqual({ last: "2" });
  });

  test("says what it sends in the workflow", async () => {
    const { workflow } = await call("send");
    const { effects, broadcast, routing } = workflow!;
    expect(effects[0]!.request).toMatchObject({
      actor: { id: { name: "ann", parent: "user" } },
      actionName: "greet",
      registerRef: "user",
      async: true,
    });
    expect(Number(effects[0]!.request!.scheduledTo)).toBeGreaterThan(Date.now());
    expect(broadcast?.channelGroup).toBe("news");
    expect(routing).toMatchObject({
      case: "forward",
      value: { actor: "counter", actionName: "add" },
    });
  });

  test.each([
    ["cancel", "ctx.cancel cannot be had beside a sidecar"],
    ["tick", "options.everyMs cannot be had beside a sidecar"],
    ["boom", "foreign/counter boom: boom"],
    ["nope", "Action [nope] not found"],
  ])("answers %s as a failure, without a context", async (action, message) => {
    const failed = await call(action);
    expect(failed.http).toBe(500);
    expect(failed.updatedContext).toBeUndefined();
    const { payload } = failed;
    expect(jsonOf(payload.case === "value" ? payload.value : undefined)).toMatchObject({
      message: expect.stringContaining(message) as string,
    });
  });

  test.each([
    ["Actor x not found on ActorSystem y", "ACTOR_NOT_FOUND no"],
    ["Action [x] not found for Actor [y]", "ACTION_NOT_FOUND no"],
    ["something else", "ACTION_FAILED unknown"],
    ["", "ACTION_FAILED unknown"],
  ])("reads the failure %j as far as its words go", async (message, failure) => {
    answered = { status: { status: Status.ERROR, message } };
    expect(await failureOf(system.actor(counter).add({ value: 1 }))).toBe(failure);
  });

  test("reads an answer without a status as a failure, although SDKs take it for none", async () => {
    answered = {};
    expect(await failureOf(system.actor(counter).add({ value: 1 }))).toBe("INTERNAL unknown");
  });

  test("sends messages as calls for later, and refuses what would become another one", async () => {
    answered = { status: { status: Status.OK } };
    expect(await system.effect(user, "bob").greet("hi", { delayMs: 60_000 })).toBe("");
    const { scheduledTo, registerRef, actionName } = invoked.at(-1)!;
    expect({ registerRef, actionName }).toEqual({ registerRef: "user", actionName: "greet" });
    expect(Number(scheduledTo)).toBeGreaterThan(Date.now() + 50_000);
    const refused = system.effect(user, "bob").greet("hi", { cron: "* * * * *" });
    expect(await failureOf(refused)).toBe("INVALID_ARGUMENT no");
  });
});
