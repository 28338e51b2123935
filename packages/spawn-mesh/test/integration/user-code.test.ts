/**
 * What user code and the outside can do to a process, with real ones: whatever ends it, nothing that
 * was acknowledged is lost, and the file opens again. The programs say each acknowledgement before
 * anything else can happen; the test opens the file after them and compares.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { EXIT_STATUS, list, listSystem } from "./programs/list-actor.ts";

const scratch = mkdtempSync(join(tmpdir(), "spawn-mesh-user-code-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(scratch, "test-")), "state.db");
});

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** The longest that a program may run. */
const RUN_MS_MAX = 20_000;

/** Runs a program to its end, or kills it when it sends a message. */
async function run(program: string, args: readonly string[]): Promise<Ended> {
  const path = join(import.meta.dirname, "programs", program);
  // A file, because a pipe that is full takes no more, and what was written to it late is lost.
  const said = join(mkdtempSync(join(scratch, "said-")), "stdout");
  const stdout = openSync(said, "a");
  const child = spawn(process.execPath, ["--conditions=@spawn-mesh/source", path, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(scratch, "compiled") },
    stdio: ["ignore", stdout, "pipe", "ipc"],
    timeout: RUN_MS_MAX,
    killSignal: "SIGABRT",
  });
  closeSync(stdout);
  child.on("message", () => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const lines = readFileSync(said, "utf8").split("\n").slice(0, -1);
  return { status, signal, lines, stderr };
}

/** What a program said: the elements of each list that were acknowledged, or refused. */
function said(lines: readonly string[], word: "acknowledged" | "refused"): Map<string, number[]> {
  const lists = new Map<string, number[]>();
  for (const line of lines) {
    const [first, name = "", element] = line.split(" ");
    if (first !== word) continue;
    lists.set(name, [...(lists.get(name) ?? []), Number(element)]);
  }
  return lists;
}

/** Opens the file after the program's end. */
async function stored(names: Iterable<string>, path = file, system = "lists") {
  await using reader = listSystem(path, { name: system });
  await reader.start();
  const read = async (name: string) =>
    [name, await reader.actor(list, name).elements()] as [string, number[]];
  return new Map(await Promise.all([...names].map(read)));
}

const inOrder = (elements: readonly number[]) => elements.toSorted((a, b) => a - b);

describe("code that ends the process of an actor", () => {
  const ends = {
    exit: { status: EXIT_STATUS, signal: null },
    loop: { status: null, signal: "SIGKILL" },
    reject: { status: 1, signal: null },
  };

  test.each(Object.entries(ends))(
    "loses nothing that was acknowledged: %s",
    async (deadly, { status, signal }) => {
      const ended = await run("deadly-action.ts", [file, deadly]);
      expect(ended, ended.stderr).toMatchObject({ status, signal });
      expect(said(ended.lines, "refused")).toEqual(new Map());

      const acknowledged = said(ended.lines, "acknowledged");
      expect([...acknowledged.values()].flat().length).toBeGreaterThanOrEqual(200);
      for (const [name, elements] of await stored(acknowledged.keys())) {
        expect(elements).toEqual(expect.arrayContaining(acknowledged.get(name) ?? []));
        expect(elements).toHaveLength(new Set(elements).size);
      }
      // An action that never returned has changed nothing.
      if (deadly !== "reject") {
        expect(await stored(["deadly"])).toEqual(new Map([["deadly", []]]));
      }
    },
  );
});

describe("a message whose action ends the process each time", () => {
  test("is parked after its attempts, and all others come to where they should, once and in order", async () => {
    let ended = await run("deadly-message.ts", [file, "send"]);
    let deaths = 0;
    for (; ended.status === EXIT_STATUS; deaths++) {
      expect(ended.lines).toEqual(["started"]);
      ended = await run("deadly-message.ts", [file, "go-on"]);
    }
    expect(ended.status, ended.stderr).toBe(0);
    // Once at once, and then as often as is counted.
    expect(deaths).toBe(4);
    const all = JSON.stringify(Array.from({ length: 20 }, (_, element) => element));
    expect(ended.lines).toEqual([
      "started",
      "parked deadly exit 4 [INTERNAL] given up after 3 attempts: the process ended each time while it was being delivered",
      `has neighbour ${all}`,
      "has deadly [1]",
      "has neighbour-7 [7]",
    ]);
  });
});

describe("SIGTERM", () => {
  test("under load lets accepted calls end, commits them, and then ends the process", async () => {
    const { lines, ...ended } = await run("sigterm-under-load.ts", [file]);
    expect(ended).toEqual({ status: null, signal: "SIGTERM", stderr: "" });

    // Every call had an answer: the callers stop at the first refusal, one each.
    const refusals = lines.filter((line) => line.startsWith("refused"));
    expect(refusals).toHaveLength(64);
    expect(refusals.every((line) => line.endsWith(" SHUTTING_DOWN no"))).toBe(true);
    const acknowledged = said(lines, "acknowledged");
    expect(lines.length - refusals.length).toBeGreaterThanOrEqual(200);
    for (const [name, elements] of await stored(acknowledged.keys())) {
      expect(inOrder(elements)).toEqual(inOrder(acknowledged.get(name) ?? []));
    }
  });

  test("stops two systems of one process together", async () => {
    const second = `${file}-2`;
    const { lines, ...ended } = await run("two-systems.ts", [file, second]);
    expect(ended).toEqual({ status: null, signal: "SIGTERM", stderr: "" });
    expect(lines.toSorted()).toEqual(["acknowledged one 0", "acknowledged two 1"]);
    expect(await stored(["one"], file, "one")).toEqual(new Map([["one", [0]]]));
    expect(await stored(["two"], second, "two")).toEqual(new Map([["two", [1]]]));
  });

  test("is the program's own affair with `handleSignals: false`", async () => {
    const { lines, ...ended } = await run("own-signals.ts", [file, "listening"]);
    expect(ended).toEqual({ status: 3, signal: null, stderr: "" });
    expect(lines).toEqual(["told", "acknowledged a 1"]);
    expect(await stored(["a"])).toEqual(new Map([["a", [1]]]));
  });

  test("ends a program at once that neither handles it nor wants it handled", async () => {
    const { lines, signal } = await run("own-signals.ts", [file, "deaf"]);
    expect({ lines, signal }).toEqual({ lines: [], signal: "SIGTERM" });
    expect(await stored(["a"])).toEqual(new Map([["a", []]]));
  });
});

describe("a program that ends", () => {
  test("is not kept alive by an idle system", async () => {
    const ended = await run("exits.ts", [file, "idle"]);
    expect(ended).toEqual({ status: 0, signal: null, lines: ["acknowledged a 1"], stderr: "" });
    expect(await stored(["a"])).toEqual(new Map([["a", [1]]]));
  });

  test("right after an awaited call keeps the state", async () => {
    const ended = await run("exits.ts", [file, "at-once"]);
    expect(ended).toEqual({ status: 0, signal: null, lines: ["acknowledged a 1"], stderr: "" });
    expect(await stored(["a"])).toEqual(new Map([["a", [1]]]));
  });

  test("can leave the end of a system to `await using`", async () => {
    const ended = await run("await-using.ts", [file]);
    const lines = ["acknowledged a 1", "acknowledged a 2", "done"];
    expect(ended).toEqual({ status: 0, signal: null, lines, stderr: "" });
    expect(await stored(["a"])).toEqual(new Map([["a", [1, 2]]]));
  });
});
