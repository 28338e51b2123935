/** What nobody should send with JSON: it is refused with words, and the next call works. */
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import { actor } from "spawn-mesh";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Choices } from "./fuzz/choices.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { startBeside } from "./sidecar/start-sidecar.ts";

const echo = actor("echo", {
  state: () => ({ calls: 0 }),
  actions: {
    say(ctx, value: unknown) {
      ctx.state.calls++;
      return value as never;
    },
  },
});

const HOST_PORT = 21_000 + (process.pid % 10_000);
let proxy: TestProxy;
let system: Awaited<ReturnType<typeof startBeside>>;
let port: number;
beforeAll(async () => {
  proxy = await startTestProxy();
  ({ port } = proxy.address as { readonly port: number });
  const url = `http://127.0.0.1:${port}`;
  system = await startBeside(proxy, [echo], { sidecar: { url, port: HOST_PORT, stream: false } });
});
afterAll(async () => {
  await system.stop();
  await proxy.stop();
});
afterEach(async () => {
  expect(await system.actor(echo).say("well")).toBe("well");
});

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly text: string;
}

async function post(
  path: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const sent = request({
    port,
    method: "POST",
    path: `/api/v1/system/${path}`,
    headers: { "content-type": "application/json", ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const text = Buffer.concat((await response.toArray()) as Buffer[]).toString();
  return { status: response.statusCode!, code: response.headers["spawn-error"], text };
}

const SAY = "spawn-system/actors/echo/say";

describe("a call with JSON", () => {
  test.each([
    ["half a value", '{"a":'],
    ["two values", "1 2"],
    ["a text that is no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["no JSON at all", "<html>"],
    ["more depth than a value may have", "[".repeat(2_000) + "]".repeat(2_000)],
    ["far more depth", "[".repeat(200_000)],
    ["a word that JavaScript knows", "NaN"],
  ])("with %s is refused", async (_what, body) => {
    expect(await post(SAY, body)).toMatchObject({ status: 400, code: "INVALID_ARGUMENT" });
  });

  test.each([
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
    ['{"constructor":1,"toString":2}', '{"constructor":1,"toString":2}'],
    ['"\\ud800"', '"\\ud800"'],
    ["1e400", ""],
    ["-0", "0"],
    ['{"@type":7}', '{"@type":7}'],
    ['{"@type":"x","value":"AA==","more":1}', '{"@type":"x","value":"AA==","more":1}'],
    ["\u00e9", ""],
    ["\ufeff1", "1"],
  ])("with %j answers %j, or a refusal", async (body, said) => {
    const { status, text } = await post(SAY, body);
    expect([status, text]).toEqual(said === "" ? [400, expect.any(String)] : [200, said]);
  });

  test.each([
    [`spawn-system/actors/${"x".repeat(1_100)}/say`, "INVALID_ARGUMENT"],
    ["spawn-system/actors/echo/%00", "ACTION_NOT_FOUND"],
    ["spawn-system/actors/%ff/say", "INVALID_ARGUMENT"],
    ["spawn-system/actors/echo/say?definition=%00", "ACTOR_NOT_FOUND"],
    ["spawn-system/actors/..%2f..%2fetc/say", "ACTOR_NOT_FOUND"],
    ["spawn-system/actors/ann/say?definition=echo", "INVALID_ARGUMENT"],
    ["elsewhere/actors/echo/say", "ACTOR_NOT_FOUND"],
    ["spawn-system/actors//say", "INVALID_ARGUMENT"],
  ])("to %s is refused", async (path, code) => {
    expect((await post(path, "1")).code).toBe(code);
  });

  test.each([
    ["spawn-deadline-ms", "0"],
    ["spawn-deadline-ms", "1e9"],
    ["spawn-delay-ms", "-1"],
    ["spawn-delay-ms", "999999999999999"],
    ["idempotency-key", ""],
    ["idempotency-key", "k".repeat(5_000)],
    ["spawn-metadata-a", "x".repeat(12_000)],
  ])("with %s: %s is refused", async (header, value) => {
    const { status, code } = await post(SAY, "1", { [header]: value });
    expect([400, 413, 200]).toContain(status);
    if (status === 200) expect(value).toMatch(/^x+$/);
    else expect(["INVALID_ARGUMENT", "PAYLOAD_TOO_LARGE"]).toContain(code);
  });

  test("that is larger than a body may be is refused", async () => {
    expect((await post(SAY, `"${"x".repeat(8_000_001)}"`)).code).toBe("PAYLOAD_TOO_LARGE");
  });
});

/** Pieces that inputs are made of. */
const PIECES = [
  ...'{}[]:,"\\ \n\u0000'.split(""),
  ..."true false null 1 -1 1e999 0.1".split(" "),
  '"name"',
  '"echo"',
  '"action"',
  '"say"',
  '"payload"',
  '"id"',
  '"cron"',
  '"delayMs"',
  '"__proto__"',
  '"@type"',
];
const PATHS = [
  SAY,
  "spawn-system/messages",
  "spawn-system/channels/news",
  "spawn-system/actors/echo/get",
  "spawn-system/actors/new/say?definition=echo",
];
const SEED = 41;
const INPUTS = 1_500;

test(`${INPUTS} inputs by chance (seed ${SEED}) are answered, and none of them is our defect`, async () => {
  const choices = new Choices(SEED);
  for (let n = 0; n < INPUTS; n++) {
    const body = Array.from({ length: choices.below(14) }, () => choices.pick(PIECES)).join("");
    const path = choices.pick(PATHS);
    const { status, code, text } = await post(path, body);
    expect(code, `${path} ${JSON.stringify(body)}`).not.toBe("INTERNAL");
    expect(status === 204 || status === 202 || JSON.parse(text) !== undefined).toBe(true);
  }
}, 60_000);

describe("the endpoint at which a program is called", () => {
  test.each([
    ["nothing", ""],
    ["garbage", "\u00ff\u00fe\u0000"],
    ["a page", "<html></html>"],
    ["half a message", Buffer.from([0x0a, 0x40, 0x0a])],
  ])("answers %s with a failure that can be decoded", async (_what, body) => {
    const response = await fetch(`http://127.0.0.1:${HOST_PORT}/api/v1/actors/actions`, {
      method: "POST",
      body,
    });
    expect(response.status).toBe(500);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
  });

  test("outlives connections that break in the middle", async () => {
    for (let n = 0; n < 20; n++) {
      const socket = connectTcp(HOST_PORT, "127.0.0.1");
      await once(socket, "connect");
      socket.write(
        "POST /api/v1/actors/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\nhalf",
      );
      socket.destroy();
    }
    const other = await fetch(`http://127.0.0.1:${HOST_PORT}/elsewhere`);
    expect(other.status).toBe(404);
  });
});
