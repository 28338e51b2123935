/** In whose name somebody may call. */
import { describe, expect, test } from "vitest";
import { add, counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { jsonIn } from "../fixtures/values.ts";
import { GO, PYTHON, TOKENS, WEB, as, expectRefused, from } from "./identities.ts";
import { startKept, two } from "./kept-proxies.ts";

describe("a caller that is claimed", () => {
  test("is believed from the host that registered it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const python = as(t.client, PYTHON);
    await python.register([counter("incrementor"), counter("joe")]);
    expect(jsonIn(await python.invoke("incrementor", "add", from("joe")))).toEqual({ total: 1 });
    expect(t.host.requests.at(-1)?.invocation.caller?.name).toBe("joe");
  });

  test("is believed after the proxy was started again", async () => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(TOKENS, async (client) => {
      const by = (token: string) => as(client, token).invoke("incrementor", "add", from("joe"));
      expectRefused(await by(GO));
      expect(jsonIn(await by(PYTHON))).toEqual({ total: 1 });
    });
  });

  test("is refused from anybody else, and the actor hears nothing of it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    await as(t.client, PYTHON).register([counter("incrementor"), counter("joe")]);
    for (const token of [GO, WEB]) {
      expectRefused(await as(t.client, token).invoke("incrementor", "add", from("joe")));
    }
    expect(t.host.requests).toEqual([]);
  });

  test("has to be there, in that system, also where no token is needed", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor"), counter("joe")]);
    const other = { system: "another" };
    expectRefused(await t.client.invoke("incrementor", "add", from("nobody")));
    expectRefused(await t.client.invoke("incrementor", "add", from("joe", other)));
    expectRefused(await t.client.invoke("incrementor", "add", from("x", { parent: "nobody" })));
    expectRefused(await t.client.invoke("incrementor", "add", from("__proto__")));
    expect(jsonIn(await t.client.invoke("incrementor", "add", from("joe")))).toEqual({ total: 1 });
  });

  test("may be an instance that was spawned, by its name alone", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const python = as(t.client, PYTHON);
    const user = counter("user", { settings: { kind: 2, stateful: true } });
    await python.register([counter("incrementor"), user]);
    await python.spawn([{ name: "user-42", parent: "user" }]);
    await python.invoke("incrementor", "add", from("user-42"));
    const caller = t.host.requests.at(-1)?.invocation.caller;
    expect(caller).toMatchObject({ name: "user-42", parent: "user" });
    expectRefused(await as(t.client, WEB).invoke("incrementor", "add", from("user-42")));
  });
});
