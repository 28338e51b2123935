/**
 * The package as its users get it: built, packed, installed into a new project without any optional
 * peer, compiled by two compilers, run twice. The program is the first one of the README.
 *
 * Nothing is fetched: what the project depends on is packed from node_modules.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../../../..");
const library = join(root, "packages/spawn-mesh");
const modules = join(root, "node_modules");
const temporary = mkdtempSync(join(tmpdir(), "spawn-mesh-packed-"));
const project = join(temporary, "project");

/** The longest that the program may run before it counts as one that does not exit by itself. */
const RUN_MS_MAX = 20_000;

const compilers = {
  "TypeScript 7": join(modules, "typescript/bin/tsc"),
  "TypeScript 5.9": join(modules, "typescript59/bin/tsc"),
};

/** The strictest consumer with the smallest library: what is missing in it is our fault. */
const compilerOptions = {
  target: "es2022",
  lib: ["es2022"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
};

const resolutions = {
  nodenext: { module: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

function firstProgramOf(markdown: string): string {
  const program = /^```ts\n(.*?)^```$/ms.exec(readFileSync(markdown, "utf8"))?.[1];
  if (program === undefined) throw new Error(`${markdown} has no \`\`\`ts block`);
  return program;
}

interface LibraryManifest {
  readonly exports: Record<string, unknown>;
  readonly dependencies: Record<string, string>;
}

function libraryManifest(): LibraryManifest {
  return JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as LibraryManifest;
}

function libraryDependencies(): readonly string[] {
  return Object.keys(libraryManifest().dependencies);
}

function publicDoors(): readonly string[] {
  const { exports } = libraryManifest();
  return Object.keys(exports)
    .filter((subpath) => !subpath.endsWith(".json"))
    .map((subpath) => subpath.replace(".", "spawn-mesh"));
}

function npm(...args: readonly string[]): string {
  return execFileSync("npm", [...args, "--loglevel=error"], { cwd: project, encoding: "utf8" });
}

/** Packs folders and returns a dependency for each: name → `file:…tgz`. */
function pack(...folders: readonly string[]): Record<string, string> {
  const packed = npm(
    "pack",
    "--ignore-scripts",
    "--json",
    "--pack-destination",
    temporary,
    ...folders,
  );
  const described = Object.values(JSON.parse(packed)) as { name: string; filename: string }[];
  return Object.fromEntries(
    described.map(({ name, filename }) => [name, `file:${join(temporary, basename(filename))}`]),
  );
}

/** The environment of a user: nothing that tells Node to resolve to our sources. */
function run(program: string) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawnSync(process.execPath, [program], {
    cwd: project,
    env,
    encoding: "utf8",
    timeout: RUN_MS_MAX,
  });
}

function lastNumber(text: string): number {
  return Number(text.match(/\d+/g)?.at(-1));
}

beforeAll(() => {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], { stdio: "inherit" });
  const dependencies = pack(
    library,
    ...libraryDependencies().map((name) => join(modules, name)),
    join(modules, "undici-types"), // of @types/node
  );
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  npm("install", "--offline", "--no-audit", "--no-fund", "--omit=optional", "--omit=peer");

  writeFileSync(join(project, "program.ts"), firstProgramOf(join(root, "README.md")));
  const doors = publicDoors();
  writeFileSync(
    join(project, "doors.ts"),
    [
      ...doors.map((door, index) => `import * as door${index} from ${JSON.stringify(door)};`),
      `for (const door of [${doors.map((_, index) => `door${index}`).join(", ")}]) {`,
      `  console.log(Object.keys(door).length);`,
      `}`,
    ].join("\n"),
  );
});

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe("a new project that installs the packed library", () => {
  describe.each(Object.entries(compilers))("under %s", (_, tsc) => {
    test.each(Object.entries(resolutions))(
      "compiles with %s resolution, declarations checked",
      (name, resolution) => {
        const config = join(project, `tsconfig.${name}.json`);
        writeFileSync(
          config,
          JSON.stringify({
            compilerOptions: { ...compilerOptions, ...resolution },
            files: ["program.ts", "doors.ts"],
          }),
        );
        const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], {
          encoding: "utf8",
        });
        expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
      },
    );
  });

  test("loads every door without an optional peer", () => {
    const { status, stderr, stdout } = run("doors.ts");
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout.trim().split("\n")).toHaveLength(publicDoors().length);
  });

  test("says which driver to install when a database is opened without it", () => {
    writeFileSync(
      join(project, "databases.ts"),
      `import { statestoreFromUrl } from "spawn-mesh/statestores";
       for (const kind of ["postgres", "cockroachdb", "mysql", "mariadb"]) {
         const store = statestoreFromUrl(\`\${kind}://user:secret@127.0.0.1:1/database\`);
         await store.open({ owner: "nobody" }).catch((error) => console.log(error.message));
       }`,
    );
    const { status, stderr, stdout } = run("databases.ts");
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const drivers = stdout
      .trim()
      .split("\n")
      .map((line) => line.match(/npm install (\w+)$/)?.[1]);
    expect(drivers).toEqual(["pg", "pg", "mysql2", "mysql2"]);
  });

  test("shows the same program on the package's page as in the repository", () => {
    expect(firstProgramOf(join(library, "README.md"))).toBe(
      firstProgramOf(join(root, "README.md")),
    );
  });

  test("runs the README's program, which exits by itself, and continues its count the second time", () => {
    const [first, second] = [run("program.ts"), run("program.ts")];
    for (const { status, signal, stderr } of [first, second]) {
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    }
    expect(lastNumber(first.stdout)).toBeGreaterThan(0);
    expect(lastNumber(second.stdout)).toBe(2 * lastNumber(first.stdout));
  });
});
