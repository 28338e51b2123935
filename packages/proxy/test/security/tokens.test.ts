/** Who gets in with a token, and what it is good for. */
import { Kind, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { jsonIn } from "../fixtures/values.ts";
import { GO, PYTHON, TOKENS, WEB, as, expectRefused, from } from "./identities.ts";
import type { Refusable } from "./identities.ts";
import { startKept, two } from "./kept-proxies.ts";

describe("with tokens", () => {
  test("nobody gets in without one, and the answer can be decoded", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const refusals: Refusable[] = [
      await t.client.register([counter("incrementor")]),
      await t.client.invoke("incrementor", "add", one),
      await t.client.read("incrementor"),
      await t.client.spawn([{ name: "a", parent: "incrementor" }]),
      await as(t.client, `${WEB}x`).invoke("incrementor", "add", one),
      await as(t.client, "").invoke("incrementor", "add", one),
      await t.client.with({ headers: { authorization: WEB } }).invoke("incrementor", "add", one),
    ];
    for (const refusal of refusals) {
      expectRefused(refusal, 401);
      expect(refusal.headers["www-authenticate"]).toBe("Bearer");
    }
    expect(t.host.requests).toEqual([]);
  });

  test("a host registers, and a client calls and does nothing else", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const web = as(t.client, WEB);
    expectRefused(await web.register([counter("incrementor")]));
    const { status } = await as(t.client, PYTHON).register([counter("incrementor")]);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await web.invoke("incrementor", "add", one))).toEqual({ total: 1 });
    expect(jsonIn(await web.read("incrementor"))).toEqual({ total: 1 });
    expectRefused(await web.spawn([{ name: "a", parent: "incrementor" }], "?revision=1"));
  });

  test("a host restores no revision of what another one has registered", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const user = counter("user", { settings: { ...settings, kind: Kind.UNNAMED } });
    await as(t.client, PYTHON).register([user]);
    const ann = [{ name: "ann", parent: "user" }];
    expectRefused(await as(t.client, GO).spawn(ann, "?revision=1"));
    const { headers } = await as(t.client, PYTHON).spawn(ann, "?revision=1");
    expect(headers["spawn-error"]).toBe("INVALID_ARGUMENT");
  });

  test("health is for everybody", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    expect((await t.client.send("GET", "/health/readiness")).status).toBe(200);
  });

  test("an actor stays with the host that registered it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    await as(t.client, PYTHON).register([counter("incrementor")]);
    expectRefused(await as(t.client, GO).register([counter("incrementor")]));
    const again = await as(t.client, PYTHON).register([counter("incrementor")]);
    expect(again.status?.status).toBe(Status.OK);
  });

  test("what was taken of a registration that fails belongs to nobody else", async () => {
    const goOn = Promise.withResolvers<void>();
    const wait = () => goOn.promise.then(() => ({}));
    await using t = await startWithHost({ add, wait }, { SPAWN_TOKENS: TOKENS });
    const python = as(t.client, PYTHON);
    const actions = [{ name: "wait" }];
    await python.register([counter("busy", { actions })]);
    const waiting = python.invoke("busy", "wait");
    await until(() => t.host.requests.length === 1);
    const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 2 };
    const failed = await python.register([
      counter("another"),
      counter("busy", { actions, settings: pooled }),
    ]);
    expect(failed.headers["spawn-error"]).toBe("ALREADY_REGISTERED");
    goOn.resolve();
    await waiting;
    expect(jsonIn(await python.invoke("another", "add", one))).toEqual({ total: 1 });
    expectRefused(await as(t.client, GO).register([counter("another")]));
  });

  test("a large body of somebody unknown is not read", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const sent = t.client.post("/api/v1/system", new Uint8Array(7_000_000));
    // It may still be writing when the connection is closed under it.
    const status = await sent.then((answer) => answer.status).catch(() => 401);
    expect(status).toBe(401);
  });

  test("loopback may be trusted all the same", async () => {
    await using t = await startWithHost(
      { add },
      { SPAWN_TOKENS: TOKENS, SPAWN_TRUST_LOOPBACK: "true" },
    );
    const { status } = await t.client.register([counter("incrementor")]);
    expect(status?.status).toBe(Status.OK);
    expectRefused(await as(t.client, `${WEB}x`).read("incrementor"), 401);
  });
});

describe("an actor that was registered before the proxy was started again", () => {
  const renewed = "python-fedcba9876543210fedcba9876543210";

  test("stays with its host, also when that has another token", async () => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(`host python ${renewed}, host go ${GO}`, async (client) => {
      expectRefused(await as(client, GO).register(two));
      expect((await as(client, renewed).register(two)).http).toBe(200);
    });
  });

  test.each([
    ["has no token any more", `host go ${GO}`],
    ["is only a client any more", `host go ${GO}, client python ${PYTHON}`],
  ])("is free when its host %s", async (_, tokens) => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(tokens, async (client) => {
      expect((await as(client, GO).register([counter("joe")])).http).toBe(200);
      const called = await as(client, GO).invoke("incrementor", "add", from("joe"));
      expect(jsonIn(called)).toEqual({ total: 1 });
    });
    await t.begin(TOKENS, async (client) => {
      expectRefused(await as(client, PYTHON).register([counter("joe")]));
    });
  });

  test("is a token's when it was nobody's, and not the other way round", async () => {
    await using t = await startKept();
    await t.begin("", (client) => client.register(two));
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin("", async (client) => {
      expect((await client.register(two)).http).toBe(200);
    });
  });
});
