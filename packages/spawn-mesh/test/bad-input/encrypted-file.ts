/** A real SQLite file that is encrypted, and what somebody with a program for SQLite can do to it. */
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, onTestFinished } from "vitest";
import { actor, actorSystem, reply } from "spawn-mesh";
import type { ActorSystem, Encryption, EngineEvent } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";

export const directory = mkdtempSync(join(tmpdir(), "spawn-encrypted-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

export const counter = actor("counter", {
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

export const door = actor("door", {
  state: () => ({}),
  actions: {
    goOn: () => reply("SECRETREPLY").pipe(counter, "cat", "refuse"),
  },
});

export const keys = { k: randomBytes(32) };
export const encryption: Encryption = { keys };

export async function start(
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

let original: Promise<string> | undefined;

/** A file with ann and bob, both at total 2, with a revision, a stored reply and a message each. */
export async function fileWithTwo(): Promise<string> {
  const file = join(mkdtempSync(join(directory, "file-")), "state.db");
  original ??= makeFileWithTwo();
  copyFileSync(await original, file);
  return file;
}

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

export function run(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

export function query(file: string, sql: string): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(sql).all();
  database.close();
  return rows;
}

export const of = (name: string): string =>
  `(SELECT actor_id FROM spawn_name WHERE name = '${name}')`;
/** SQL that changes one byte of a value. */
export const flipped = (column: string, at: number): string =>
  `CAST(substr(${column}, 1, ${at} - 1)
    || CASE substr(${column}, ${at}, 1) WHEN x'41' THEN x'42' ELSE x'41' END
    || substr(${column}, ${at} + 1) AS BLOB)`;
export const annState = (to: string): string =>
  `UPDATE spawn_actor SET ${to} WHERE id = ${of("ann")}`;

/** All bytes of an export. */
export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
