/** Rows of a real SQLite file that somebody tampered with. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { EngineEvent } from "spawn-mesh";
import { errorOf } from "../behaviour/start-system.ts";
import {
  annState,
  bytesOf,
  counter,
  directory,
  encryption,
  fileWithTwo,
  flipped,
  keys,
  of,
  query,
  run,
  start,
} from "./encrypted-file.ts";

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
