import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { checkNodeVersion } from "./node-version.ts";

const manifest = new URL("../../package.json", import.meta.url);

test.each(["20.20.2", "22.21.0", "24.14.9"])("Node %s is told which one is needed", (version) => {
  expect(() => checkNodeVersion(version)).toThrow(`expected Node 24.15 or newer, got ${version}`);
});

test.each(["24.15.0", "24.21.0", "25.0.0", "26.10.0"])("Node %s will do", (version) => {
  checkNodeVersion(version);
});

test("the version that is told is the one of the package", () => {
  const { engines } = JSON.parse(readFileSync(manifest, "utf8")) as { engines: { node: string } };
  const oldest = engines.node.replace(">=", "");
  expect(() => checkNodeVersion("20.20.2")).toThrow(`expected Node ${oldest} or newer`);
});

test("a Node without node:sqlite loads the library, and is told what is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spawn-mesh-node-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = `
    const { actorSystem } = await import("spawn-mesh");
    const { sqliteStatestore } = await import("spawn-mesh/sqlite");
    const statestore = sqliteStatestore({ file: process.argv[1] });
    const system = actorSystem("old", { actors: [], statestore, handleSignals: false });
    await system.start().catch(({ message }) => console.log(message));`;
  const options = ["--no-experimental-sqlite", "--conditions=@spawn-mesh/source"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...options, "--input-type=module", "-e", program, join(folder, "state.db")],
    { cwd: import.meta.dirname },
  );
  expect(stdout).toMatch(/node:sqlite is not there: expected Node 24\.15 or newer/);
});
