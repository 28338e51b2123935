// The guides that are one program each: their blocks compile, run, and print what they say.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "spawn-mesh-guides-"));
const guides = ["actors", "errors", "messages", "running", "testing"];
const start = promisify(execFile);

/** All its blocks of TypeScript, one after the other. */
function programOf(guide: string): string {
  const page = readFileSync(join(root, `docs/guides/${guide}.md`), "utf8");
  return [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block).join("\n");
}

/** What it says that it prints: the comment behind each `console.log(…);`. */
function promisedBy(program: string): readonly string[] {
  return [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text = ""]) => text);
}

beforeAll(() => {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const files = guides.map((guide) => `${guide}.ts`);
  for (const guide of guides) writeFileSync(join(folder, `${guide}.ts`), programOf(guide));
  const settings = { extends: join(root, "tsconfig.json"), include: [], files };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(guides)(
  "the blocks of the guide %s are a program that prints what they say",
  async (guide) => {
    const args = ["--conditions=@spawn-mesh/source", `${guide}.ts`];
    const { stdout } = await start(process.execPath, args, { cwd: folder });
    const promised = promisedBy(programOf(guide));
    expect(promised.length).toBeGreaterThan(0);
    expect(stdout.trim().split("\n")).toEqual(promised);
  },
);

test("the blocks of these guides compile", async () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const compiled = start(process.execPath, [tsc, "-p", folder], { cwd: folder });
  await expect(compiled.catch((error: { stdout: string }) => error)).resolves.toMatchObject({
    stdout: "",
  });
});
