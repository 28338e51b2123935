/** Misspelt options, and those of a wrong kind: each is refused by its name, and with what was probably meant. */
import { describe, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem, connect } from "spawn-mesh";
import type { ActorSystem, ConnectOptions, Statestore } from "spawn-mesh";
import { encryptedStatestore, type Encryption } from "spawn-mesh/encryption";
import { memoryStatestore } from "spawn-mesh/memory";
import { mssqlStatestore } from "spawn-mesh/mssql";
import { mysqlStatestore } from "spawn-mesh/mysql";
import { postgresStatestore } from "spawn-mesh/postgres";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { testActorSystem, type TestActorSystemOptions } from "spawn-mesh/testing";
import { exportSystem, importSystem } from "spawn-mesh/transfer";
import { errorOf, startSystem } from "../behaviour/start-system.ts";

const counter = actor("counter", {
  state: () => ({ n: 0 }),
  actions: { add: (ctx, by: number) => (ctx.state.n += by) },
});

describe("a misspelt option", () => {
  const misspelt = { stat: () => ({}), actions: {} };
  const databases = [
    ["postgres", postgresStatestore],
    ["mysql", mysqlStatestore],
    ["mssql", mssqlStatestore],
  ] as const;
  const misspeltSidecar = { url: "http://127.0.0.1:1", tokn: "secret" };
  const misspeltSystem = { actors: [], statestor: memoryStatestore() };
  test.each<[string, () => unknown, string]>([
    [
      "of a definition",
      () => actor("a", misspelt),
      "definition of a: there is no option stat, did you mean state? There are kind, pool, state",
    ],
    [
      "of a system",
      () => actorSystem("s", misspeltSystem),
      "the system s: there is no option statestor, did you mean statestore? There are actors, externals",
    ],
    [
      "of a sidecar",
      () => actorSystem("s", { actors: [], sidecar: misspeltSidecar }),
      "sidecar: there is no option tokn, did you mean token? There are url, token, stream, host, port",
    ],
    [
      "of a client",
      () => connect("http://127.0.0.1:1", { sytem: "s" } as ConnectOptions),
      "connect: there is no option sytem, did you mean system? There are system, token, stream",
    ],
    [
      "of a SQLite statestore",
      () => sqliteStatestore({ path: "state.db" } as unknown as { file: string }),
      "sqliteStatestore: expected { file }",
    ],
    [
      "of a SQLite statestore that has a file",
      () => sqliteStatestore({ file: "x.db", busyTimeout: 5 } as { file: string }),
      "sqliteStatestore: there is no option busyTimeout, did you mean busyTimeoutMs?",
    ],
    [
      "of a system under test",
      () => testActorSystem({ actors: [], actor: [] } as TestActorSystemOptions),
      "testActorSystem: there is no option actor, did you mean actors?",
    ],
    [
      "of a pool",
      () => actor("a", { kind: "pooled", pool: { mx: 3 } as object, actions: {} }),
      "pool of a: there is no option mx, did you mean max?",
    ],
    [
      "of a channel",
      () => actor("a", { channels: [{ chanel: "c" } as never], actions: {} }),
      "channel of a: there is no option chanel, did you mean channel?",
    ],
    [
      "of keys",
      () => encryptedStatestore(memoryStatestore(), { keys: {}, requird: true } as Encryption),
      "encryption: there is no option requird, did you mean required?",
    ],
    [
      "beside an address",
      () => statestoreFromUrl("postgres://u@h/d", { conectionsMax: 3 } as object),
      "statestoreFromUrl: there is no option conectionsMax, did you mean connectionsMax?",
    ],
    ...databases.map(([scheme, make]): [string, () => unknown, string] => [
      `of a statestore on ${scheme}`,
      () => make({ url: `${scheme}://u@h/d`, lockTimeout: 3 } as { url: string }),
      "statestore: there is no option lockTimeout, did you mean lockTimeoutMs?",
    ]),
    ...databases.map(([scheme, make]): [string, () => unknown, string] => [
      `of certificates for ${scheme}`,
      () => make({ url: `${scheme}://u@h/d`, tls: { cacert: "" } as object }),
      "tls: there is no option cacert",
    ]),
  ])("%s is refused by name, since its default would hold instead", async (_, make, message) => {
    const error = await errorOf((async () => make())());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(message);
  });

  test.each<[string, (store: Statestore) => Promise<unknown>]>([
    ["an export", async (store) => await exportSystem(store, "shop").next()],
    ["an import", (store) => importSystem(store, [], { system: "shop" })],
    ["encryption", async (store) => encryptedStatestore(store, { keys: {} })],
  ])("%s of an address instead of a statestore says what makes one of it", async (_, use) => {
    for (const store of ["sqlite:state.db", undefined]) {
      const error = await errorOf(use(store as unknown as Statestore));
      expect(error.message).toContain("expected a statestore, such as statestoreFromUrl");
    }
  });

  test.each([["shop.jsonl"], [undefined], [5]])(
    "an import of %j instead of a stream says what is one",
    async (stream) => {
      const importing = importSystem(memoryStatestore(), stream as never, { system: "shop" });
      await expect(importing).rejects.toThrow("such as createReadStream(path)");
    },
  );

  test("a seed that is no number is refused: all would be the same", async () => {
    const system = testActorSystem({ actors: [], seed: "7" as unknown as number });
    await expect(system).rejects.toThrow("seed: expected a whole number");
  });

  test("an address is no statestore, and the error says what makes one of it", async () => {
    const statestore = "postgres://shop@db/shop" as unknown as Statestore;
    const error = await errorOf((async () => actorSystem("s", { actors: [], statestore }))());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("statestoreFromUrl");
    expect(error.message).not.toContain("shop@db");
  });
});

describe("an option of work that takes its time", () => {
  const onProgress = 5;
  const signal = { aborted: false };
  type Work = (system: ActorSystem, options: object) => Promise<unknown>;

  /** A system of which all of them can be asked. */
  async function startEncrypted(): Promise<ActorSystem> {
    const system = actorSystem("worked", {
      actors: [counter],
      statestore: memoryStatestore(),
      encryption: { keys: { k: new Uint8Array(32) } },
      handleSignals: false,
    });
    await system.start();
    onTestFinished(() => system.stop());
    return system;
  }

  test.each<[string, Work]>([
    ["reindex", (system, options) => system.reindex(counter, options)],
    ["checkMigrations", (system, options) => system.checkMigrations(options)],
    ["forEach", (system, options) => system.actors.forEach(counter, () => undefined, options)],
    ["purge", (system, options) => system.actors.purge(counter, options)],
    ["export", async (system, options) => system.export(options)],
    ["reencrypt", (system, options) => system.reencrypt(options)],
    [
      "importSystem",
      (_, options) => importSystem(memoryStatestore(), [], { system: "shop", ...options }),
    ],
  ])("is refused at once when it cannot be called or aborted: %s", async (name, work) => {
    const system = await startEncrypted();
    const wrong = async (options: object): Promise<string> =>
      (await errorOf((async () => await work(system, options))())).message;
    expect(await wrong({ onProgress })).toContain(`onProgress of ${name}: expected a function`);
    expect(await wrong({ signal })).toContain(`signal of ${name}: expected an AbortSignal`);
  });

  test.each<[string, Work]>([
    ["reindex", (system, options) => system.reindex(counter, options)],
    ["reencrypt", (system, options) => system.reencrypt(options)],
  ])("is refused at once when it is no pace: %s", async (name, work) => {
    const system = await startEncrypted();
    for (const rowsPerSecondMax of [0, -1, Number.NaN, "5", 5n, null, {}]) {
      const error = await errorOf(work(system, { rowsPerSecondMax }));
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toContain(`rowsPerSecondMax of ${name}: expected a number above 0`);
    }
    await work(system, { rowsPerSecondMax: Infinity });
  });

  test("is a list of definitions, and what is done with each", async () => {
    const { system } = await startSystem([counter]);
    const check = system.checkMigrations({ definitions: "counter" as never });
    await expect(check).rejects.toThrow("definitions of checkMigrations: expected an array");
    const each = system.actors.forEach(counter, "get" as never);
    await expect(each).rejects.toThrow("forEach: expected a function, got string");
  });
});

test("a misspelt option of what is done with all that is stored is refused", async () => {
  const { system } = await startSystem([counter]);
  await expect(system.stop({ drainTimeout: 5 } as object)).rejects.toThrow(
    "stop: there is no option drainTimeout, did you mean drainTimeoutMs?",
  );
  const encrypted = encryptedStatestore(memoryStatestore(), { keys: { k: new Uint8Array(32) } });
  await encrypted.open({ owner: "me" });
  await expect(encrypted.reencrypt({ onprogress: 1 } as object)).rejects.toThrow(
    "reencrypt: there is no option onprogress, did you mean onProgress?",
  );
  await expect(system.actors.list({ tag: {} } as object)).rejects.toThrow(
    "actors: there is no option tag, did you mean tags?",
  );
  await expect(
    system.actors.forEach(counter, () => undefined, { concurency: 5 } as object),
  ).rejects.toThrow("forEach: there is no option concurency, did you mean concurrency?");
  await expect(system.actors.purge(counter, { dry: true } as object)).rejects.toThrow(
    "purge: there is no option dry, did you mean dryRun?",
  );
  await expect(system.messages.list({ targets: 1 } as object)).rejects.toThrow(
    "messages: there is no option targets, did you mean target?",
  );
  const store = memoryStatestore();
  const wrong = (option: string): object => ({ system: "shop", [option]: true });
  await expect(importSystem(store, [], wrong("replcae") as never)).rejects.toThrow(
    "importSystem: there is no option replcae, did you mean replace? There are system, cluster, replace, onProgress, signal",
  );
  await expect(importSystem(store, [], undefined as never)).rejects.toThrow("expected options");
  await expect(exportSystem(store, "shop", { inclear: true } as object).next()).rejects.toThrow(
    "exportSystem: there is no option inclear",
  );
  expect(() => system.export({ inclear: true } as object)).toThrow("there is no option inclear");
  await expect(system.reindex(counter, { rowsPerSecond: 1 } as object)).rejects.toThrow(
    "reindex: there is no option rowsPerSecond",
  );
  await expect(system.checkMigrations({ definition: ["counter"] } as object)).rejects.toThrow(
    "checkMigrations: there is no option definition, did you mean definitions?",
  );
});
