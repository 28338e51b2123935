#!/usr/bin/env node
// Runs what was built where the package is installed, and the sources in the repository, where nothing is built.
import { existsSync, realpathSync } from "node:fs";
import * as module from "node:module";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(`spawn-proxy: expected Node 24.15 or newer, got ${process.versions.node}`);
  process.exit(1);
}

const here = realpathSync(fileURLToPath(new URL(".", import.meta.url)));
const isRepository = !here.includes("node_modules") && existsSync(`${here}/../src/main.ts`);
if (isRepository) {
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, {
        ...context,
        conditions: [...context.conditions, "@spawn-mesh/source"],
      }),
  });
}
await import(isRepository ? "../src/main.ts" : "../dist/main.js");
