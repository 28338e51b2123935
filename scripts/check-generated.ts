/** Fails when the code generated from `proto/` is not what `npm run generate` makes of it. */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const GENERATED = "packages/spawn-mesh/src/protocol/gen";
const scratch = mkdtempSync(join(tmpdir(), "spawn-mesh-generated-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

for (const file of ["buf.yaml", "buf.gen.yaml", "proto"]) {
  cpSync(join(root, file), join(scratch, file), { recursive: true });
}
run("lint");
run("generate");

const committed = contents(root);
const fresh = contents(scratch);
const stale = [...new Set([...committed.keys(), ...fresh.keys()])].filter(
  (file) => committed.get(file) !== fresh.get(file),
);
for (const file of stale) console.error(`${GENERATED}/${file} is not what proto/ says`);
if (stale.length > 0) {
  console.error("Run npm run generate and commit what it changes.");
  process.exit(1);
}

function run(command: string): void {
  const { status } = spawnSync(join(root, "node_modules/.bin/buf"), [command], {
    cwd: scratch,
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  if (status !== 0) process.exit(1);
}

function contents(from: string): ReadonlyMap<string, string> {
  const folder = join(from, GENERATED);
  return new Map(
    globSync("**/*.ts", { cwd: folder }).map((file) => [
      file,
      readFileSync(join(folder, file), "utf8"),
    ]),
  );
}
