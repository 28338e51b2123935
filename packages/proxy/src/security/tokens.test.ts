import { describe, expect, test } from "vitest";
import { Tokens } from "./tokens.ts";

const first = "a".repeat(32);
const second = "b".repeat(40);

describe("tokens", () => {
  test("are found, each with whose it is", () => {
    const tokens = Tokens.parse(`# ours\nhost python ${first}\n\nclient web ${second}\n`, "file");
    expect(tokens.find(first)).toEqual({ name: "python", isHost: true });
    expect(tokens.find(second)).toEqual({ name: "web", isHost: false });
    expect(tokens.find(first.slice(1))).toBeUndefined();
    expect(tokens.find("")).toBeUndefined();
  });

  test("may stand on one line, and one name may have two while they are changed", () => {
    const tokens = Tokens.parse(`client web ${first},client web ${second}`, "SPAWN_TOKENS");
    expect([first, second].map((token) => tokens.find(token)?.name)).toEqual(["web", "web"]);
  });

  test.each([
    ["no entry", "# nobody", "expected at least one token"],
    ["a token alone", first, "entry 1: expected"],
    ["a role that there is not", `root web ${first}`, "entry 1: expected"],
    [
      "a token that can be guessed",
      "client web s3cret-and-short",
      "16 characters, expected at least 32",
    ],
    ["the name of those who have none", `client anonymous ${first}`, "is taken"],
    ["one token twice", `client a ${first}\nhost b ${first}`, "entry 2: the same token"],
    ["a token with spaces", `client web ${first} ${second}`, "entry 1: expected"],
  ])("with %s are refused, without a word of what they are", (_, text, message) => {
    const parse = (): unknown => Tokens.parse(text, "file");
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/s3cret|aaaa|bbbb/);
  });
});
