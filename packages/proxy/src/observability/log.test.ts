import { SpawnError } from "spawn-mesh/engine";
import { describe, expect, test } from "vitest";
import { unexpected } from "./log.ts";

describe("what is told of an unexpected error", () => {
  test("is its kind and place, and no text that may quote what was sent", () => {
    let thrown: unknown;
    try {
      JSON.parse("{ secret");
    } catch (error) {
      thrown = error;
    }
    const told = unexpected(thrown);
    expect(told).toMatchObject({ error: "SyntaxError" });
    expect((told["at"] as string[])[0]).toContain("JSON.parse");
    expect(JSON.stringify(told)).not.toContain("secret");
  });

  test("is the text of our own, the code of Node's, and the same of the cause", () => {
    const cause = Object.assign(new Error("secret"), { code: "ENOSPC" });
    const told = unexpected(new SpawnError("INTERNAL", "it could not be done", { cause }));
    expect(told).toMatchObject({
      message: "[INTERNAL] it could not be done",
      cause: { error: "Error", code: "ENOSPC" },
    });
    expect(JSON.stringify(told)).not.toContain("secret");
    expect(unexpected("secret")).toEqual({ error: "string" });
  });
});
