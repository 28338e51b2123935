/** Fails when the generated code is not what `npm run generate` makes of the `.proto` files. */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const sources = [
  "buf.yaml",
  "buf.gen.yaml",
  "buf.gen.proxy.yaml",
  "package.json",
  "proto",
  "packages/proxy/proto",
  "examples/07-grpc/buf.gen.yaml",
  "examples/07-grpc/protos",
];
const GENERATED = "{packages/*/src,examples}/**/gen/**/*.ts";

const scratch = mkdtempSync(join(tmpdir(), "spawn-mesh-generated-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
for (const path of sources) {
  cpSync(join(root, path), join(scratch, path), { recursive: true });
}
run("buf", "lint");
run("npm", "run", "--silent", "generate");

const committed = contents(root);
const fresh = contents(scratch);
const stale = [...new Set([...committed.keys(), ...fresh.keys()])].filter(
  (file) => committed.get(file) !== fresh.get(file),
);
for (const file of stale) console.error(`${file} is not what the .proto files say`);
if (stale.length > 0) {
  console.error("Run npm run generate and commit what it changes.");
  process.exit(1);
}

function run(program: string, ...args: readonly string[]): void {
  const { status } = spawnSync(program, args, {
    cwd: scratch,
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  if (status !== 0) process.exit(1);
}

function contents(folder: string): ReadonlyMap<string, string> {
  return new Map(
    globSync(GENERATED, { cwd: folder }).map((file) => [
      file,
      readFileSync(join(folder, file), "utf8"),
    ]),
  );
}
