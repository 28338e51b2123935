/**
 * The architecture as a table, and the check that the sources obey it.
 *
 *   sdk ───────────────► engine ◄─────────────── statestores
 *    ├─ embedded-system.ts ──► statestores         ▲
 *    └─ actor-system.ts ──► sidecar                │
 *   sidecar ──► sdk, engine, protocol              │
 *   protocol ──► engine/errors.ts                  │
 *   testing ──► sdk, engine, statestores           │ ports: engine/statestore.ts
 *
 * The engine imports nothing: time, randomness, storage and user code reach it through ports, which
 * is what makes a seeded simulation of the very same lines possible.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { besides, parseSource, readSources, type SourceFile } from "./source-file.ts";

interface Layer {
  /** The other layers that it may import. */
  readonly layers: readonly string[];
  /** The modules of Node that it may import. */
  readonly node: "any" | readonly string[];
  /** The packages that it may import. */
  readonly packages: readonly string[];
}

const PROTOBUF = ["", "/wire", "/wkt", "/codegenv2"].map((door) => `@bufbuild/protobuf${door}`);

/** Who may import what, besides itself. A layer is a folder of `src`. */
const importTable: Readonly<Record<string, Layer>> = {
  engine: { layers: [], node: ["node:assert"], packages: [] },
  // Drivers are optional: they are loaded when a statestore of their kind is opened.
  statestores: { layers: ["engine"], node: "any", packages: ["pg", "mysql2/promise", "mssql"] },
  sdk: {
    layers: ["engine"],
    node: "any",
    packages: ["@standard-schema/spec", "croner", "@bufbuild/protobuf"],
  },
  // What generated code needs, the encoding that it is written in, and what a stream is: a socket that it is given.
  protocol: { layers: ["engine"], node: ["node:net"], packages: PROTOBUF },
  sidecar: { layers: ["engine", "sdk", "protocol"], node: "any", packages: PROTOBUF },
  // No test runner: its users bring their own.
  testing: { layers: ["engine", "statestores", "sdk"], node: "any", packages: [] },
};

/** The composition root, which picks implementations, the options that it takes, and the door. */
const compositionRoots: Readonly<Record<string, readonly string[]>> = {
  "sdk/embedded-system.ts": ["statestores"],
  "sdk/actor-system.ts": ["statestores", "sidecar"],
  "sdk/index.ts": ["sidecar"],
};

/** The one file of the engine that touches real time and real randomness. */
const REAL_CLOCK = "engine/clock.ts";

/** What the engine takes from the Clock and Random ports instead. */
const impure =
  /^(Date|performance|setTimeout|setInterval|setImmediate|crypto|process|Math\.random)(\.|$)/;

/** Names that say nothing: a helper that is used twice is named for what it does. */
const emptyNames = new Set(
  "util utils helper helpers common shared misc type types interface interfaces model models service services core lib".split(
    " ",
  ),
);

const CODE_LINES_MAX = 400;
const TEST_CODE_LINES_MAX = 800;

const isTest = (path: string): boolean => path.endsWith(".test.ts");

function importProblems({ path, imports }: SourceFile): readonly string[] {
  const [layer = ""] = path.split("/");
  const rule = importTable[layer];
  if (rule === undefined) return [`${path}: "${layer}" is not a layer of the import table`];
  const layers = [layer, ...rule.layers, ...(compositionRoots[path] ?? [])];
  return imports.flatMap((target) => {
    if (target.startsWith(".")) {
      const [other = ""] = besides(path, target).split("/");
      return layers.includes(other) ? [] : [`${path}: ${layer} may not import ${other}`];
    }
    const allowed = target.startsWith("node:") ? rule.node : rule.packages;
    return allowed === "any" || allowed.includes(target)
      ? []
      : [`${path}: ${layer} may not import ${target}`];
  });
}

function globalProblems({ path, globals }: SourceFile): readonly string[] {
  const isEngine = path.startsWith("engine/") && path !== REAL_CLOCK;
  return [...globals].flatMap((name) => {
    if (/^process\.env\b/.test(name)) return [`${path}: the library never reads the environment`];
    return isEngine && impure.test(name)
      ? [`${path}: the engine may not use ${name}, only its ports`]
      : [];
  });
}

function nameProblems({ path }: SourceFile): readonly string[] {
  return path
    .replace(/(\.test)?\.ts$/, "")
    .split("/")
    .filter((part) => emptyNames.has(part))
    .map((part) => `${path}: "${part}" says nothing about what is in it`);
}

function sizeProblems({ path, codeLines }: SourceFile): readonly string[] {
  const limit = isTest(path) ? TEST_CODE_LINES_MAX : CODE_LINES_MAX;
  return codeLines > limit ? [`${path}: ${codeLines} lines of code, at most ${limit}`] : [];
}

function unreachable(files: readonly SourceFile[], doors: readonly string[]): readonly string[] {
  const sources = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...doors];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = sources.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    waiting.push(
      ...file.imports
        .filter((target) => target.startsWith("."))
        .map((to) => besides(file.path, to)),
      ...file.namedFiles.map((name) => `${name}.ts`),
    );
  }
  return files
    .filter(({ path }) => !isTest(path) && !reached.has(path))
    .map(({ path }) => `${path}: no public door leads to it`);
}

const library = join(import.meta.dirname, "../..");
const files = readSources(join(library, "src"));

function publicDoors(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as {
    exports: Record<string, string | Record<string, string>>;
  };
  return Object.values(exports)
    .flatMap((door) => (typeof door === "string" ? [] : [door["@spawn-mesh/source"] ?? ""]))
    .map((path) => path.replace("./src/", ""));
}

describe("the sources", () => {
  const sources = files.filter(({ path }) => !isTest(path));

  test("are there to be checked", () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(5);
  });

  test("import only what the table allows", () => {
    expect(sources.flatMap(importProblems)).toEqual([]);
  });

  test("take time, randomness and configuration from ports and options", () => {
    expect(sources.flatMap(globalProblems)).toEqual([]);
  });

  test("do not ask where they lie, which a bundle of CommonJS does not know, but for SQLite's worker", () => {
    const asking = sources.filter(({ path }) =>
      readFileSync(join(library, "src", path), "utf8").includes("import.meta"),
    );
    expect(asking.map(({ path }) => path)).toEqual(["statestores/sqlite/worker-link.ts"]);
  });

  test("have file names that say what is inside", () => {
    expect(files.flatMap(nameProblems)).toEqual([]);
  });

  test("are short enough to read", () => {
    expect(files.flatMap(sizeProblems)).toEqual([]);
  });

  test("all lie behind a public door", () => {
    expect(unreachable(files, publicDoors())).toEqual([]);
  });
});

describe("the checks themselves", () => {
  const importing = (path: string, ...lines: readonly string[]) =>
    importProblems(parseSource(path, lines.join("\n")));
  const using = (path: string, text: string) => globalProblems(parseSource(path, text));

  test.each([
    ["engine/a.ts", `import { x } from "../statestores/memory/index.ts";`, "statestores"],
    ["engine/a.ts", `import type { x } from "../sdk/actor.ts";`, "sdk"],
    ["engine/a.ts", `export { x } from "../testing/index.ts";`, "testing"],
    ["engine/a.ts", `export type X = import("../sdk/actor.ts").X;`, "sdk"],
    ["engine/a.ts", `await import("pg");`, "pg"],
    ["engine/a.ts", `await import(name);`, "(computed)"],
    ["engine/a.ts", `import { readFile } from "node:fs/promises";`, "node:fs/promises"],
    ["engine/deep/a.ts", `import { x } from "../../sdk/actor.ts";`, "sdk"],
    ["statestores/a.ts", `import { x } from "../sdk/actor.ts";`, "sdk"],
    ["statestores/a.ts", `import { x } from "spawn-mesh/engine";`, "spawn-mesh/engine"],
    ["sdk/actor.ts", `import { x } from "../statestores/memory/index.ts";`, "statestores"],
    ["testing/a.ts", `import { test } from "vitest";`, "vitest"],
  ])("%s may not say %s", (path, line, target) => {
    const [layer] = path.split("/");
    expect(importing(path, line)).toEqual([`${path}: ${layer} may not import ${target}`]);
  });

  test("allows what the table allows", () => {
    expect(importing("engine/a.ts", `import assert from "node:assert";`)).toEqual([]);
    expect(importing("engine/a.ts", `import { x } from "./clock.ts";`)).toEqual([]);
    expect(importing("sdk/embedded-system.ts", `import "../statestores/memory/index.ts";`)).toEqual(
      [],
    );
    expect(importing("statestores/a.ts", `import "node:sqlite";`)).toEqual([]);
  });

  test("refuses a folder that the table does not know", () => {
    expect(importing("plugins/a.ts")).toEqual([
      `plugins/a.ts: "plugins" is not a layer of the import table`,
    ]);
  });

  test.each([
    "Date.now()",
    "new Date()",
    "Math.random()",
    "setTimeout(f, 1)",
    "setImmediate(f)",
    "const later = setInterval",
    "performance.now()",
    "crypto.randomUUID()",
    "process.exit(1)",
  ])("the engine may not say %s", (line) => {
    expect(using("engine/a.ts", line)).toHaveLength(1);
    expect(using(REAL_CLOCK, line)).toEqual([]);
  });

  test("nobody reads process.env, and comments, texts and methods are no use of a global", () => {
    expect(using("sdk/a.ts", "const port = process.env.PORT;")).toHaveLength(1);
    expect(using("statestores/a.ts", `process.env["PORT"]`)).toHaveLength(1);
    const innocent = `// Date.now()\nconst a = "Math.random()"; clock.setTimeout(f); const b = { Date: 1 };`;
    expect(using("engine/a.ts", innocent)).toEqual([]);
  });

  test("finds empty names, long files and files behind no door", () => {
    const long = parseSource("engine/a.ts", "f();\n\n// why\n".repeat(CODE_LINES_MAX + 1));
    expect(sizeProblems(long)).toEqual([
      `engine/a.ts: ${CODE_LINES_MAX + 1} lines of code, at most 400`,
    ]);
    expect(sizeProblems(parseSource("engine/a.ts", "f(`\n\n`);\n// why\n"))).toEqual([]);
    expect(nameProblems(parseSource("sdk/utils.ts", ""))).toHaveLength(1);
    expect(nameProblems(parseSource("sdk/helpers/clock.test.ts", ""))).toHaveLength(1);

    const door = parseSource("sdk/index.ts", `export { a } from "./a.ts";`);
    const a = parseSource("sdk/a.ts", "new URL(`./worker${extension}`, import.meta.url);");
    const worker = parseSource("sdk/worker.ts", "");
    const lost = parseSource("sdk/lost.ts", `import "./a.ts";`);
    expect(unreachable([door, a, worker, lost], [door.path])).toEqual([
      "sdk/lost.ts: no public door leads to it",
    ]);
  });
});
