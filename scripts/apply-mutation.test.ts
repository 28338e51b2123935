import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  applyMutation,
  loadMutation,
  mutatedText,
  mutatedWorkspace,
  mutationNames,
} from "./apply-mutation.ts";

let sources: string;

beforeEach(() => {
  sources = mkdtempSync(join(tmpdir(), "spawn-mesh-mutation-"));
  writeFileSync(join(sources, "a.ts"), "one();\ntwo();\ntwo();\n");
});

afterEach(() => rmSync(sources, { recursive: true, force: true }));

const mutation = { invariant: "I0", target: "a.ts", find: "one();", replace: "$& three();" };

describe("a mutation", () => {
  test("replaces its lines, literally", () => {
    applyMutation(sources, mutation);
    expect(readFileSync(join(sources, "a.ts"), "utf8")).toBe("$& three();\ntwo();\ntwo();\n");
  });

  test("is refused when its lines are gone, or are not the only ones", () => {
    expect(() => applyMutation(sources, { ...mutation, find: "four();" })).toThrow("not in a.ts");
    expect(() => applyMutation(sources, { ...mutation, find: "two();" })).toThrow("2 times in");
  });

  test("that nobody wrote is refused by name", async () => {
    await expect(loadMutation("nothing-of-the-kind")).rejects.toThrow("there is no mutation");
  });
});

test.each(mutationNames())("the mutation %s fits the sources of today", async (name) => {
  const mutation = await loadMutation(name);
  expect(mutatedText(mutation)).toContain(mutation.replace);
});

test("a mutated workspace has the sources of today, with the mutation, and is gone afterwards", async () => {
  const mutation = await loadMutation("early-ack");
  let root: string;
  {
    using copy = mutatedWorkspace(mutation, ["chaos"]);
    root = copy.root;
    const target = join(root, "node_modules/spawn-mesh/src", mutation.target);
    expect(readFileSync(target, "utf8")).toBe(mutatedText(mutation));
    expect(existsSync(join(root, "chaos"))).toBe(true);
  }
  expect(existsSync(root)).toBe(false);
});
