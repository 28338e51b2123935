import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { keyFile } from "./key-file.ts";
import { Keyring } from "./keyring.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-keys-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(text: string, mode = 0o600): string {
  const path = join(directory, "keys.json");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const KEY = Buffer.alloc(32, 7).toString("base64");

describe("a key file", () => {
  test("gives its keys when it is asked", async () => {
    const read = keyFile(join(directory, "keys.json"));
    write(JSON.stringify({ active: "b", keys: { a: KEY, b: KEY }, required: true }), 0o640);
    const keyring = new Keyring(await read());
    expect([keyring.activeId, keyring.ids, keyring.isRequired]).toEqual(["b", ["a", "b"], true]);
  });

  test.each([0o604, 0o644, 0o602, 0o601])("is refused with mode %o", async (mode) => {
    const path = write(JSON.stringify({ keys: { a: KEY } }), mode);
    await expect(keyFile(path)()).rejects.toThrow(
      /all users can reach it \(mode 6\d\d\): chmod o-rwx/,
    );
  });

  test.each([
    ["that is not JSON", `{ "keys": { "a": "${KEY}" `, /not JSON; expected/],
    ["that is empty", "", /not JSON/],
    ["that is huge", " ".repeat(70_000), /at most 65536 bytes, got 70000/],
  ])("%s is refused without a word of it", async (_what, text, message) => {
    const refusal: unknown = await keyFile(write(text))().catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(message),
    });
    expect(String(refusal)).not.toContain(KEY.slice(0, 8));
    expect((refusal as Error).cause).toBeUndefined();
  });

  test("that is not there is refused by its name", async () => {
    await expect(keyFile(join(directory, "none.json"))()).rejects.toThrow(/none\.json.*ENOENT/);
  });
});
