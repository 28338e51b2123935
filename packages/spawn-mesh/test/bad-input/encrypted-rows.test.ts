/** Rows of a real SQLite file that somebody tampered with, and keys that do not fit it. */
import { createSecretKey, randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspect } from "node:util";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem, reply } from "spawn-mesh";
import type { ActorSystem, Encryption, EngineEvent } from "spawn-mesh";
import { encryptedStatestore } from "spawn-mesh/encryption";
import { memoryStatestore } from "spawn-mesh/memory";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { importSystem } from "spawn-mesh/transfer";
import type { UnreadableRow } from "spawn-mesh/transfer";
import { errorOf } from "../behaviour/start-system.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-encrypted-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0, note: "SECRETSTATE" }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
    tell(ctx, to: string) {
      ctx.effect(counter, to).hear("SECRETPAYLOAD", {
        delayMs: 60_000,
        metadata: { token: "SECRETMETADATA" },
      });
    },
    hear(ctx, word: string) {
      ctx.state.note = word;
    },
    refuse() {
      throw new Error("SECRETERROR");
    },
    secret: () => "SECRETREPLY",
  },
});

const door = actor("door", {
  state: () => ({}),
  actions: {
    goOn: () => reply("SECRETREPLY").pipe(counter, "cat", "refuse"),
  },
});

const keys = { k: randomBytes(32) };
const encryption: Encryption = { keys };

async function start(
  file: string,
  options: Encryption | null = encryption,
  events: EngineEvent[] = [],
): Promise<ActorSystem> {
  const system = actorSystem("test", {
    actors: [counter, door],
    statestore: sqliteStatestore({ file }),
    handleSignals: false,
    onEvent: (event) => events.push(event),
    ...(options && { encryption: options }),
  });
  await system.start();
  onTestFinished(() => system.stop());
  return system;
}

/** A file with ann and bob, both at total 2, with a revision, a stored reply and a message each. */
async function fileWithTwo(): Promise<string> {
  const file = join(mkdtempSync(join(directory, "file-")), "state.db");
  original ??= makeFileWithTwo();
  copyFileSync(await original, file);
  return file;
}

let original: Promise<string> | undefined;

async function makeFileWithTwo(): Promise<string> {
  const file = join(directory, "original.db");
  const system = await start(file);
  for (const name of ["ann", "bob"]) {
    const ref = system.actor(counter, name);
    await ref.add(1);
    await ref.add(1);
    await ref.secret(undefined, { idempotencyKey: "once" });
    await ref.tell(name === "ann" ? "bob" : "ann");
  }
  await system.stop();
  return file;
}

function run(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

function query(file: string, sql: string): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(sql).all();
  database.close();
  return rows;
}

const of = (name: string): string => `(SELECT actor_id FROM spawn_name WHERE name = '${name}')`;
/** SQL that changes one byte of a value. */
const flipped = (column: string, at: number): string =>
  `CAST(substr(${column}, 1, ${at} - 1)
    || CASE substr(${column}, ${at}, 1) WHEN x'41' THEN x'42' ELSE x'41' END
    || substr(${column}, ${at} + 1) AS BLOB)`;
const annState = (to: string): string => `UPDATE spawn_actor SET ${to} WHERE id = ${of("ann")}`;

describe("a state in the file", () => {
  test.each<[string, string, RegExp]>([
    ["with a flipped first byte", annState(`state = ${flipped("state", 1)}`), /key "k": expected/],
    ["with a flipped nonce", annState(`state = ${flipped("state", 20)}`), /cannot be decrypted/],
    ["with a flipped byte", annState(`state = ${flipped("state", 30)}`), /cannot be decrypted/],
    ["with a flipped tag", annState(`state = ${flipped("state", 60)}`), /cannot be decrypted/],
    ["that is cut off", annState("state = substr(state, 1, 40)"), /cannot be decrypted/],
    ["of one byte", annState("state = x'01'"), /cannot be decrypted/],
    ["that is empty", annState("state = x''"), /cannot be decrypted/],
    ["that is gone", annState("state = NULL, key_id = NULL"), /has lost its state/],
    ["that is a text", annState(`state = '{"total":9}'`), /cannot be decrypted/],
    [
      "of bob",
      annState(`state = (SELECT state FROM spawn_actor WHERE id = ${of("bob")})`),
      /moved/,
    ],
    [
      "of an earlier commit of its own",
      annState(
        `state = (SELECT state FROM spawn_history WHERE actor_id = ${of("ann")} ORDER BY revision LIMIT 1)`,
      ),
      /moved/,
    ],
    ["under another etag", annState("etag = x'00112233445566778899aabbccddeeff'"), /moved/],
    ["of another version", annState("state_version = 7"), /cannot be decrypted/],
    ["in a codec that is not known", annState("codec = 1"), /codec with the number 1, expected 0/],
    ["with an unknown key", annState("key_id = 'lost'"), /key "lost", and there are keys "k" only/],
    ["whose key was taken away", annState("key_id = NULL"), /expected JSON text, got bytes/],
  ])("%s is refused and left alone, and the others go on", async (_what, statement, message) => {
    const file = await fileWithTwo();
    run(file, statement);
    const before = query(file, `SELECT * FROM spawn_actor WHERE id = ${of("ann")}`);
    const system = await start(file);
    const [byAnn, byBob, read] = await Promise.all([
      errorOf(system.actor(counter, "ann").add(1)),
      system.actor(counter, "bob").add(1),
      errorOf(system.actor(counter, "ann").get()),
    ]);
    for (const error of [byAnn, read]) {
      expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no", retryable: false });
      expect(error.message).toMatch(message);
      expect(inspect(error, { depth: 9 })).not.toContain("SECRET");
    }
    expect(byBob).toBe(3);
    await system.stop();
    expect(query(file, `SELECT * FROM spawn_actor WHERE id = ${of("ann")}`)).toEqual(before);
  });

  test("in clear text is read and encrypted by the next commit, or refused where encryption is required", async () => {
    const file = await fileWithTwo();
    const clear = annState(`key_id = NULL, state = '{"total":40,"note":"clear"}'`);
    run(file, clear);
    const strict = await start(file, { keys, required: true });
    const error = await errorOf(strict.actor(counter, "ann").add(2));
    expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
    expect(error.message).toMatch(/in clear text, expected it encrypted/);
    expect(await strict.actor(counter, "bob").add(1)).toBe(3);
    await strict.stop();

    const system = await start(file);
    expect(await system.actor(counter, "ann").add(2)).toBe(42);
    await system.stop();
    expect(query(file, "SELECT key_id, typeof(state) AS type FROM spawn_actor")).toEqual([
      { key_id: "k", type: "blob" },
      { key_id: "k", type: "blob" },
    ]);
  });
});

describe("what is kept of an actor", () => {
  test("is refused when it was tampered with, one by one", async () => {
    const file = await fileWithTwo();
    run(
      file,
      `UPDATE spawn_history SET state = ${flipped("state", 30)}
       WHERE actor_id = ${of("ann")} AND revision = 1`,
      `UPDATE spawn_inbox SET reply = ${flipped("reply", 30)} WHERE actor_id = ${of("ann")}`,
      `UPDATE spawn_inbox SET reply = (SELECT reply FROM spawn_inbox WHERE actor_id = ${of("ann")})
       WHERE actor_id = ${of("bob")}`,
    );
    const system = await start(file);
    const stored = system.stored(counter, "ann");
    expect(await errorOf(stored.readRevision(1))).toMatchObject({ code: "STATE_CORRUPT" });
    expect(await errorOf(stored.restore(1))).toMatchObject({
      code: "STATE_CORRUPT",
      applied: "no",
    });
    expect(await system.stored(counter, "bob").readRevision(1)).toMatchObject({ total: 1 });
    for (const name of ["ann", "bob"]) {
      const ref = system.actor(counter, name);
      const again = await errorOf(ref.secret(undefined, { idempotencyKey: "once" }));
      expect(again).toMatchObject({ code: "STATE_CORRUPT", applied: "unknown" });
      expect(await ref.add(1)).toBe(3);
    }
  });
});

describe("a message in the file", () => {
  const toBob = `target LIKE '%"bob"]'`;
  test.each<[string, string, RegExp]>([
    ["with a flipped byte", `payload = ${flipped("payload", 30)}`, /cannot be decrypted/],
    ["to another target", `target = replace(target, 'bob', 'eve')`, /moved/],
    ["from another source", `source = replace(source, 'ann', 'eve')`, /moved/],
    ["for another action", "action = 'add'", /moved/],
    ["of another time", "sent_at = sent_at + 1", /moved/],
    [
      "that is said to come again",
      `payload = ${flipped("payload", 30)},
        headers = '{"kind":"call","repeat":{"everyMs":1,"catchUp":"one","plannedAt":1}}'`,
      /cannot be decrypted/,
    ],
    ["with an unknown key", "key_id = 'lost'", /key "lost"/],
    ["whose key was taken away", "key_id = NULL", /key ""/],
  ])(
    "%s is parked as it is, with the reason, and the others are delivered",
    async (_what, to, reason) => {
      const file = await fileWithTwo();
      run(
        file,
        `UPDATE spawn_message SET ${to} WHERE ${toBob}`,
        "UPDATE spawn_message SET due_at = 0",
      );
      const columns = "id, source, target, action, key_id, payload, headers";
      const before = query(
        file,
        `SELECT ${columns} FROM spawn_message WHERE target NOT LIKE '%"ann"]'`,
      );
      const events: EngineEvent[] = [];
      const system = await start(file, encryption, events);
      await expect
        .poll(() => system.messages.listParked(), { timeout: 5000 })
        .toMatchObject([{ error: expect.stringMatching(reason) }]);
      await expect
        .poll(() => system.actor(counter, "ann").get())
        .toMatchObject({ note: "SECRETPAYLOAD" });
      expect(await system.actor(counter, "bob").get()).toMatchObject({ note: "SECRETSTATE" });
      expect(inspect(events, { depth: 9 })).not.toContain("SECRET");
      await system.stop();
      expect(query(file, `SELECT ${columns} FROM spawn_parked`)).toEqual(before);
    },
  );
});

test.each(["tags = '{'", "codec = 3"])(
  "a row with %s is restored with the tags of its revision, and is none itself",
  async (to) => {
    const file = await fileWithTwo();
    run(
      file,
      annState(to),
      `UPDATE spawn_history SET tags = '{"vip":"yes"}' WHERE actor_id = ${of("ann")}`,
    );
    const system = await start(file);
    const stored = system.stored(counter, "ann");
    const before = await stored.listRevisions();
    await stored.restore(1);
    expect(await stored.listRevisions()).toEqual(before);
    expect(await system.actor(counter, "ann").add(1)).toBe(2);
    const { actors } = await system.actors.list({ definition: "counter", tags: { vip: "yes" } });
    expect(actors).toMatchObject([{ name: "ann" }]);
    await bytesOf(system.export({ inClear: true }));
  },
);

describe("an export of a file with a damaged value", () => {
  test.each<[string, string, object, string]>([
    ["a state, in clear", annState(`state = ${flipped("state", 30)}`), { inClear: true }, "state"],
    ["tags", annState("tags = '{'"), {}, "state"],
    ["a codec", annState("codec = 3"), {}, "state"],
    [
      "a stored reply, in clear",
      `UPDATE spawn_inbox SET reply = ${flipped("reply", 30)} WHERE actor_id = ${of("ann")}`,
      { inClear: true },
      "reply",
    ],
  ])("(%s) ends there, or goes on and says so to who imports it", async (...damage) => {
    const [, to, options, kind] = damage;
    const file = await fileWithTwo();
    run(file, to);
    const system = await start(file);
    const what = new RegExp(`${kind} of test/counter/ann`);
    const ended = await errorOf(bytesOf(system.export(options)));
    expect(ended).toMatchObject({ code: "STATE_CORRUPT", message: expect.stringMatching(what) });
    const told: UnreadableRow[] = [];
    const onUnreadable = (row: UnreadableRow): number => told.push(row);
    const stream = await bytesOf(system.export({ ...options, onUnreadable }));
    expect(told).toMatchObject([{ what: expect.stringMatching(what) }]);
    await system.stop();

    for (const target of [memoryStatestore(), sqliteStatestore({ file: `${file}.target` })]) {
      const into = encryptedStatestore(target, { keys });
      expect(await importSystem(into, [stream], { system: "test" })).toMatchObject({
        unreadable: 1,
      });
      const next = actorSystem("test", {
        actors: [counter, door],
        statestore: into,
        handleSignals: false,
      });
      await next.start();
      const call = next.actor(counter, "ann").add(1);
      if (kind === "state") {
        expect((await errorOf(call)).message).toContain("the row has lost its state");
        await next.stored(counter, "ann").restore(1);
        expect(await next.actor(counter, "ann").add(1)).toBe(2);
        await next.stored(counter, "ann").delete();
      } else {
        expect(await call).toBe(3);
      }
      expect(await next.actor(counter, "bob").add(1)).toBe(3);
      await next.stop();
    }
  });
});

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test("a repeated message in clear text is parked whole where encryption is required, and goes on without", async () => {
  const file = join(mkdtempSync(join(directory, "clear-")), "state.db");
  const clear = await start(file, null);
  const id = await clear.effect(counter, "ann").hear("clear", { everyMs: 60_000 });
  await clear.stop();
  run(file, "UPDATE spawn_message SET due_at = 0");
  const columns = "id, sent_at, payload, headers";
  const before = query(file, `SELECT ${columns} FROM spawn_message`);

  const strict = await start(file, { keys, required: true });
  await expect
    .poll(() => strict.messages.listParked(), { timeout: 5000 })
    .toMatchObject([{ id, error: expect.stringMatching(/in clear text/) }]);
  await strict.stop();
  expect(query(file, `SELECT ${columns} FROM spawn_parked`)).toEqual(before);

  const system = await start(file);
  await system.messages.retry(id);
  await expect.poll(() => system.actor(counter, "ann").get()).toMatchObject({ note: "clear" });
  expect(await system.messages.list()).toMatchObject([{ id, action: "hear" }]);
});

describe("an encrypted file", () => {
  test("is not opened without keys, without one of them, or with another key of the same id", async () => {
    const file = await fileWithTwo();
    const before = readFileSync(file);
    const withoutKeys = actorSystem("test", { actors: [], statestore: sqliteStatestore({ file }) });
    expect(await errorOf(withoutKeys.start())).toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
      message: expect.stringMatching(/encrypted with key "k".*open it with `encryption`/),
    });
    for (const [wrong, message] of [
      [{ keys: { other: randomBytes(32) } }, /encrypted with key "k".*add it to the keys/],
      [{ keys: { k: randomBytes(32) } }, /another key than "k" of encryption/],
      [{ keys: { k: randomBytes(32), n: randomBytes(32) }, active: "n" }, /another key than "k"/],
    ] as const) {
      const error = await errorOf(start(file, wrong));
      expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
      expect(error.message).toMatch(message);
    }
    expect(query(file, "SELECT id FROM spawn_key")).toEqual([{ id: "k" }]);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(await (await start(file)).actor(counter, "ann").add(1)).toBe(3);
  });

  test("whose key is lost is opened by who says so, and rid of all that it has encrypted", async () => {
    const file = await fileWithTwo();
    const fresh = { n: randomBytes(32) };
    const unnamed = await errorOf(start(file, { keys: fresh }));
    expect(unnamed.message).toContain("name it in `lost` if nobody has it any more");

    const system = await start(file, { keys: fresh, lost: ["k"] });
    const error = await errorOf(system.actor(counter, "ann").add(1));
    expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
    expect(error.message).toContain('the state is encrypted with key "k", which is lost');
    expect(await system.actor(counter, "new").add(1)).toBe(1);
    const { unreadable } = await system.reencrypt();
    expect(unreadable).toBeGreaterThan(2);
    expect(query(file, "SELECT id FROM spawn_key")).toHaveLength(2);

    await system.stored(counter, "ann").delete();
    expect(await system.actor(counter, "ann").add(5)).toBe(5);
    expect(await system.actors.purge(counter, {})).toMatchObject({ failed: 0 });
    for (const { id } of await system.messages.list()) await system.messages.cancel(id);
    for (const { id } of await system.messages.listParked()) await system.messages.discard(id);
    expect(await system.reencrypt()).toMatchObject({ isComplete: true, unreadable: 0 });
    await system.stop();
    expect(query(file, "SELECT id FROM spawn_key")).toEqual([{ id: "n" }]);
    const again = await start(file, { keys: fresh });
    expect(await again.actor(counter, "bob").add(1)).toBe(1);
  });

  test("remembers what became of the steps of a call, and holds no word of it", async () => {
    const file = await fileWithTwo();
    const call = { idempotencyKey: "once" };
    const remembered = { code: "ACTION_FAILED", message: expect.stringContaining("SECRETERROR") };
    const first = await start(file);
    expect(await errorOf(first.actor(door).goOn(undefined, call))).toMatchObject(remembered);
    await first.stop();
    const stored = query(file, "SELECT key_id, kind FROM spawn_inbox WHERE key <> 'once'");
    expect(stored).toEqual([{ key_id: "k", kind: 2 }]);
    expect(readFileSync(file).toString("latin1")).not.toContain("SECRET");

    const again = await start(file, { keys, required: true });
    expect(await errorOf(again.actor(door).goOn(undefined, call))).toMatchObject(remembered);
    await again.stop();
    run(file, `UPDATE spawn_inbox SET reply = ${flipped("reply", 30)} WHERE key <> 'once'`);
    const system = await start(file);
    expect(await errorOf(system.actor(door).goOn(undefined, call))).toMatchObject({
      code: "STATE_CORRUPT",
      applied: "yes",
    });
  });

  test("holds no word of a state, reply, payload, metadata or error", async () => {
    const file = await fileWithTwo();
    const system = await start(file);
    const id = await system.effect(counter, "ann").refuse();
    await expect
      .poll(async () => (await system.messages.list()).find((message) => message.id === id)?.error)
      .toContain("SECRETERROR");
    await system.stop();
    const bytes = readFileSync(file).toString("latin1");
    expect(bytes).toContain("counter");
    expect(bytes).not.toContain("SECRET");
  });
});

describe("keys", () => {
  test("that are wrong are refused when the system is made, or when a function gives them", async () => {
    const make = (wrong: Encryption): ActorSystem =>
      actorSystem("test", { actors: [], statestore: memoryStatestore(), encryption: wrong });
    const short = { keys: { k: randomBytes(16) } };
    expect(() => make(short)).toThrow(/INVALID_ARGUMENT.*key "k": expected 32 bytes/);
    expect(await errorOf(make(async () => short).start())).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const broken = make(() => Promise.reject(new Error("the vault is closed")));
    expect(await errorOf(broken.start())).toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
      message: expect.stringMatching(/the vault is closed/),
    });
  });

  test("are needed by a statestore that keeps states outside of this machine", async () => {
    const remote = Object.defineProperty(memoryStatestore(), "needsEncryption", { value: true });
    const make = (given: object): ActorSystem =>
      actorSystem("test", {
        actors: [counter],
        statestore: remote,
        handleSignals: false,
        ...given,
      });
    expect(() => make({})).toThrow(
      /INVALID_ARGUMENT.*outside of this machine: expected the option/,
    );
    const system = make({ encryption });
    await system.start();
    expect(await system.actor(counter, "ann").add(1)).toBe(1);
    await system.stop();
  });

  test("are given once: to the system or to the statestore", () => {
    const statestore = encryptedStatestore(memoryStatestore(), encryption);
    expect(() => actorSystem("test", { actors: [], statestore, encryption })).toThrow(
      /INVALID_ARGUMENT.*encrypts already/,
    );
  });

  test("appear in nothing that can be printed", async () => {
    const raw = Buffer.from("0123456789abcdefghijklmnopqrstuv");
    const statestore = encryptedStatestore(memoryStatestore(), {
      keys: { bytes: raw, text: raw.toString("base64"), object: createSecretKey(raw) },
      active: "text",
    });
    const system = actorSystem("test", { actors: [counter], statestore, handleSignals: false });
    await system.start();
    await system.actor(counter, "ann").add(1);
    const printed = inspect([system, statestore], { depth: 20, showHidden: true });
    await system.stop();
    for (const form of ["latin1", "base64", "hex"] as const) {
      expect(printed).not.toContain(raw.toString(form).slice(0, 10));
    }
    expect(printed).not.toContain("30 31 32 33 34");
  });
});
