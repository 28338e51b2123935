/** What policies let through and what they refuse. */
import { writeFileSync } from "node:fs";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { scratch } from "../fixtures/proxy-process.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { jsonIn } from "../fixtures/values.ts";
import { PYTHON, TOKENS, WEB, as, expectRefused, from } from "./identities.ts";

describe("policies", () => {
  async function startWith(policies: Readonly<Record<string, string>>) {
    const folder = scratch();
    for (const [name, text] of Object.entries(policies)) {
      writeFileSync(folder.path(`${name}.policy`), text);
    }
    const environment = { SPAWN_POLICIES_PATH: folder.path("."), SPAWN_TOKENS: TOKENS };
    const started = await startWithHost({ add, order }, environment);
    const python = as(started.client, PYTHON);
    const actions = [{ name: "add" }, { name: "order" }, { name: "chain" }];
    await python.register([counter("till"), counter("joe", { actions }), counter("ann")]);
    return {
      ...started,
      folder,
      python,
      async [Symbol.asyncDispose]() {
        await started[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  const order: HostAction = () => ({
    workflow: {
      effects: [
        {
          request: {
            system: { name: "spawn-system" },
            actor: { id: { name: "till", system: "spawn-system" } },
            actionName: "add",
            ...one,
          },
        },
      ],
    },
  });

  test("refuse before the actor is touched, and say so", async () => {
    await using t = await startWith({
      all: "type: allow",
      joe: "type: deny\nactors: joe\nactions: add",
    });
    const denied = await t.python.invoke("till", "add", from("joe"));
    expectRefused(denied);
    expect(denied.status?.message).toContain("joe may not call the action add: the policy joe");
    // Not even whether there is such an actor.
    expectRefused(await t.python.invoke("nobody", "add", from("joe")));
    expect(t.host.requests).toEqual([]);
    expect(jsonIn(await t.python.invoke("till", "add", from("ann")))).toEqual({ total: 1 });
  });

  test("refuse before a name becomes an instance", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe\nactions: add" });
    await t.python.register([counter("user", { settings: { kind: 2, stateful: true } })]);
    const named = { ...from("joe"), registerRef: "user" };
    expectRefused(await t.python.invoke("user-42", "add", named));
    const { status } = await t.python.invoke("user-42", "get");
    expect(status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });

  test("are about callers, so a call that names none is not one that an allow means", async () => {
    await using t = await startWith({ ann: "actors: ann", web: "identities: web\nactions: get" });
    expectRefused(await t.python.invoke("till", "add", one));
    expect(jsonIn(await t.python.invoke("till", "add", from("ann")))).toEqual({ total: 1 });
    expect(jsonIn(await as(t.client, WEB).read("till"))).toEqual({ total: 1 });
    expectRefused(await as(t.client, WEB).invoke("till", "add", one));
  });

  test("hold for what actions send: the action fails as a whole", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe\nactions: add" });
    const answer = await t.python.invoke("joe", "order");
    expectRefused(answer);
    expect(jsonIn(await t.python.read("till"))).toEqual({ total: 0 });
  });

  test("are read again on demand, and stay as they were if they cannot be", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe" });
    writeFileSync(t.folder.path("joe.policy"), "type: never");
    t.proxy.reload();
    expect(t.proxy.logged).toContain("error reload-failed");
    expectRefused(await t.python.invoke("till", "add", from("joe")));
    writeFileSync(t.folder.path("joe.policy"), "type: deny\nactors: ann");
    t.proxy.reload();
    expect(jsonIn(await t.python.invoke("till", "add", from("joe")))).toEqual({ total: 1 });
    expectRefused(await t.python.invoke("till", "add", from("ann")));
  });
});
