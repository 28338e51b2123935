/**
 * What the statestore says to SQL Server, without one: no word of another dialect is in it, and a parser of
 * T-SQL understands it (`apt-get install sqlfluff`, `bin/test --all`). Whether it does what it should only a server can tell.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/engine/message-store.ts";
import type { ActorPage } from "../../src/engine/actor-queries.ts";
import type { Commit, StoredReply } from "../../src/engine/statestore.ts";
import { beginning, counted } from "../../src/statestores/mssql/mssql-batch.ts";
import { mssqlDialect } from "../../src/statestores/mssql/mssql-dialect.ts";
import { keyOfActor } from "../../src/statestores/sql/actor-key.ts";
import type { SqlDriver, SqlTransaction, SqlView } from "../../src/statestores/sql/dialect.ts";
import type { Sql, SqlResult } from "../../src/statestores/sql/sql.ts";
import { SqlStatestore } from "../../src/statestores/sql/sql-statestore.ts";
import {
  actorNamed,
  firstCommit,
  reply,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";

const key = Buffer.from("0123456789abcdef");
const ann = actorNamed("ann");

/** Rows with which the statestore goes on, by what stands in the statement. */
const answers: readonly (readonly [part: RegExp, rows: SqlResult["rows"]])[] = [
  [/DATABASEPROPERTYEX/, [[0, "DISABLED", "CHECKSUM", "1"]]],
  [/sys\.tables/, [[0]]],
  [/^SELECT k, etag FROM/, [[keyOfActor(ann), key]]],
  [/^SELECT position FROM/, [[1], [2]]],
  [/m\.lane, m\.units FROM/, [[1, key, 10]]],
  [/is_next FROM \(/, [[key, 3, 1]]],
  [/DATALENGTH.*FROM spawn_actor/, [[key, 5]]],
  [/DATALENGTH.*FROM spawn_history/, [[key, 1, 5]]],
  [/DATALENGTH.*FROM spawn_inbox/, [[key, key, 5]]],
  [/DATALENGTH.*FROM spawn_outbox/, [[1, 5]]],
  [/DATALENGTH.*FROM spawn_parked/, [[key, 5]]],
];

/** A line to nobody, which remembers what was said. */
class Recorder implements SqlDriver {
  readonly transactions: (readonly Sql[])[] = [];

  async query(statement: Sql): Promise<SqlResult> {
    return (await this.transaction([statement]))[0]!;
  }

  async transaction(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    this.transactions.push(statements);
    return statements.map(({ texts }) => {
      const text = texts.join("?");
      const rows = answers.find(([part]) => part.test(text))?.[1] ?? [];
      return { rows, changed: 1 };
    });
  }

  async rehearse(statements: readonly Sql[]): Promise<void> {
    await this.transaction(statements);
  }

  snapshot(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    return this.transaction(statements);
  }

  async view(): Promise<SqlView> {
    return { run: (statement) => this.query(statement), close: async () => undefined };
  }

  converse<Answer>(run: (transaction: SqlTransaction) => Promise<Answer>): Promise<Answer> {
    return run({ run: (statement) => this.query(statement) });
  }

  exclusively(run: (connection: SqlTransaction) => Promise<void>): Promise<void> {
    return run({ run: (statement) => this.query(statement) });
  }

  async close(): Promise<void> {}
}

function message(id: string, fields: Partial<Message> = {}): Message {
  return {
    id,
    source: ann,
    target: actorNamed("bob"),
    action: "do",
    payload: '{"a":"\'; DROP TABLE spawn_actor --"}',
    headers: { kind: "call" },
    isOrdered: true,
    isTimer: false,
    sentAt: 1_700_000_000_000,
    dueAt: 1_700_000_000_000,
    ...fields,
  };
}

/** Everything that a statestore can be asked for. */
async function sayEverything(driver: Recorder): Promise<void> {
  const store = new SqlStatestore({
    dialect: mssqlDialect,
    address: "mssql://nobody",
    connectionsMax: 8,
    load: async () => driver,
  });
  await store.open({ owner: "session-1", system: "shop", cluster: undefined });
  await store.load([
    { actor: ann, row: true, keys: ["k", "l"], messages: ["m1"] },
    { actor: actorNamed("bob"), row: true, keys: [], messages: [] },
  ]);
  const outcome: StoredReply = reply("k");
  const fields: Partial<Commit> = {
    revisionsKept: 2,
    replies: [outcome],
    consumes: [{ id: "m1", sentAt: 1 }],
    cancels: ["m2"],
    sends: [message("m3"), message("m4", { source: undefined, payload: null })],
    tags: { a: "1" },
    revisionsSince: 1,
    index: [{ field: "total", value: "n1" }],
  };
  const row = { handle: "0123456789abcdef", previous: "0123456789abcdef" };
  await store.commit([
    firstCommit(ann, fields),
    firstCommit(actorNamed("bob"), { ...fields, ...row }),
    firstCommit(actorNamed("carl"), { ...fields, ...row, isDelete: true }),
    firstCommit(actorNamed("dora")),
  ]);
  await store.listRevisions(ann);
  await store.readRevision(ann, 1);
  const of = { system: "shop", definition: "counter", limit: 10 };
  await store.listActors({ ...of, after: undefined });
  await store.listActors({ ...of, after: "ann" });
  const page: ActorPage = {
    system: "shop",
    definition: "counter",
    where: [],
    tags: { a: "it's" },
    isDeleted: false,
    changedAfter: 1,
    changedBefore: 2,
    after: undefined,
    limit: 10,
    looksMax: 100,
  };
  const equals = { field: "total", equals: "n1" };
  const range = { field: "size", from: "n1", below: "n2" };
  for (const where of [[], [equals, range], [range]]) await store.queries.list({ ...page, where });
  const index = [{ field: "total", value: "n1" }];
  await store.queries.reindex([{ actor: ann, etag: key.toString("latin1"), index }]);
  await store.prune(1_700_000_000_000, 100);

  const { messages, sealed } = store;
  await messages.send([message("m5"), message("m6")]);
  const retry = { firstMs: 1_000, maxMs: 60_000 };
  const claim = { wall: 1_700_000_000_000, limit: 10, laneMax: 4, unitsMax: 1_000, retry };
  await messages.claim({ ...claim, isDoubtful: false });
  await messages.claim({ ...claim, isDoubtful: true });
  await messages.nextDueAt();
  const ref = { id: "m5", sentAt: 1 };
  await messages.postpone([{ ...ref, dueAt: 2, attempts: 1, error: "no" }]);
  await messages.replace(ref, [message("m7")], { actor: ann, reply: outcome });
  await messages.remove(["m7"]);
  await messages.list({ limit: 10, source: ann, target: ann, after: { at: 1, id: "m" } });
  const found = { sentAfter: 1, leftDueAfter: 1, after: { at: 1, id: "m" } };
  await messages.listSentLater({ ...found, among: 100, limit: 10 });
  await messages.park([{ ...ref, error: "no" }], 3);
  await messages.listParked({ limit: 10 });
  await messages.retryParked(["m5", "m6"], 4);
  await messages.discardParked(["m5"]);

  const state = {
    kind: "state",
    actor: ann,
    stored: {
      ...firstCommit(ann),
      isDeleted: false,
      baseEtag: undefined,
      epoch: 1,
      owner: "o",
      keptAt: undefined,
    },
  } as const;
  const carried = [
    state,
    { kind: "revision", actor: ann, stored: firstCommit(ann) },
    { kind: "reply", actor: ann, stored: outcome },
    {
      kind: "message",
      stored: { ...message("m9"), attempts: 0, error: undefined, isUnanswered: false },
    },
    { kind: "parked", stored: { ...message("m9"), attempts: 1, error: "no", parkedAt: 1 } },
  ] as const;
  await store.systems.add(carried);
  await store.systems.remove(carried);
  await store.systems.writeMark("shop", { id: "i", phase: "adding" });
  await store.systems.readMark("shop");
  for await (const rows of store.systems.read("shop")) expect(rows).toEqual([]);

  await sealed.addKey({ keyId: "key", proof: key });
  await sealed.listKeys();
  for (const table of [0, 1, 2, 3, 4]) {
    const after = { table, key: [key.toString("base64"), table === 1 ? 1 : "bQ=="] };
    await sealed.scan({ keyId: "key", after: JSON.stringify({ table }), limit: 10 });
    await sealed.scan({ keyId: "key", after: JSON.stringify(after), limit: 10 });
  }
  const stored = { ...firstCommit(ann), state: { keyId: "key", bytes: key } };
  const parked = { ...message("m8"), attempts: 1, error: "no", parkedAt: 1 };
  for (const kind of ["state", "revision"] as const) {
    const rewritten = { kind, actor: ann, stored };
    await sealed.rewrite([{ row: rewritten, by: rewritten }]);
  }
  for (const kind of ["message", "parked"] as const) {
    const rewritten = { kind, stored: parked };
    await sealed.rewrite([{ row: rewritten, by: rewritten }]);
  }
  const replied = { kind: "reply", actor: ann, stored: outcome } as const;
  await sealed.rewrite([{ row: replied, by: replied }]);
  await sealed.removeKey("key");
  await store.close();
}

const parser = "sqlfluff";
const isAll = process.env["SPAWN_TEST_ALL"] === "1";
const hasParser = isAll && spawnSync(parser, ["--version"]).status === 0;
/** What all databases have in common. */
const common = join(import.meta.dirname, "../../src/statestores/sql");

describe("what is said to SQL Server", () => {
  const driver = new Recorder();
  const directory = mkdtempSync(join(tmpdir(), "spawn-mesh-mssql-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeAll(() => sayEverything(driver));

  test("has no word of other databases, and no MERGE", () => {
    const others =
      /\bMERGE\b|\bLIMIT\b|FOR UPDATE|SKIP LOCKED|ON CONFLICT|ON DUPLICATE|\bLEAST\b|\blength\(|\bDUAL\b|RETURNING|::|ROW_COUNT\(\)/i;
    const statements = driver.transactions.flat();
    expect(statements.length).toBeGreaterThan(80);
    for (const { texts } of statements) expect(texts.join("?")).not.toMatch(others);
  });

  test("quotes no value, and needs no parameter", () => {
    for (const statement of driver.transactions.flat()) {
      const written = counted(statement);
      expect(written).not.toContain("DROP TABLE");
      expect(written.replaceAll(/'(spawn_\w+|U|Updateability|READ_ONLY)'/g, "")).not.toContain("'");
    }
  });

  test("is not said wrong by a statement that nobody has asked for here", () => {
    const sources = readdirSync(common).filter((file) => !/dialect|test/.test(file));
    expect(sources.length).toBeGreaterThan(20);
    for (const file of sources)
      expect(readFileSync(join(common, file), "utf8")).not.toMatch(
        /\bLIMIT \$|FOR UPDATE|SKIP LOCKED|[ (]length\(|RETURNING/,
      );
  });

  // A minute, so with all that takes long.
  test.skipIf(!hasParser)(`is T-SQL to the parser, which is ${parser}`, () => {
    // It does not know this setting.
    const known = beginning({ lockTimeoutMs: 1 }).replace(/SET LOCK_TIMEOUT \d+;\n/, "");
    const statements = [known, ...driver.transactions.flat().map(counted)].map((statement) =>
      // Nor what a binary literal looks like, and where a page begins.
      statement
        .replaceAll(/0x[0-9a-f]*/g, "@value")
        .replaceAll(/OFFSET \d+ ROWS FETCH NEXT \d+ ROWS ONLY/g, ""),
    );
    for (const [index, statement] of [...new Set(statements)].entries())
      writeFileSync(join(directory, `${index}.sql`), `${statement};\n`);
    const { stdout } = spawnSync(parser, ["parse", "--dialect", "tsql", directory], {
      encoding: "utf8",
      maxBuffer: 1024 ** 3,
    });
    expect(stdout.split("\n").filter((line) => line.includes("unparsable"))).toEqual([]);
    for (const kind of ["update", "insert", "delete", "select", "create_table"])
      expect(stdout).toContain(`${kind}_statement:`);
  });
});
