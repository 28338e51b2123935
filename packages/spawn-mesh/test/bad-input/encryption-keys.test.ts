/** An encrypted file as a whole: what it shows, and keys that do not fit it, are wrong, or could be seen. */
import { createSecretKey, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { actorSystem } from "spawn-mesh";
import type { ActorSystem, Encryption } from "spawn-mesh";
import { encryptedStatestore } from "spawn-mesh/encryption";
import { memoryStatestore } from "spawn-mesh/memory";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { errorOf } from "../behaviour/start-system.ts";
import {
  counter,
  door,
  encryption,
  fileWithTwo,
  flipped,
  keys,
  query,
  run,
  start,
} from "./encrypted-file.ts";

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
