/**
 * Builds what is published: a clean `dist` in every package, one file for each source file.
 *
 * tsc leaves the outputs of deleted sources behind, so the folder goes first. Development needs no
 * build: inside the repository everything resolves to the sources.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const tsc = join(root, "node_modules/typescript/bin/tsc");

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name);
  if (!existsSync(join(folder, "tsconfig.json"))) continue;
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, "-p", folder], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

// The `.proto` files that services import, for the proxy to compile them with.
cpSync(join(root, "proto"), join(root, "packages/proxy/dist/proto"), { recursive: true });
