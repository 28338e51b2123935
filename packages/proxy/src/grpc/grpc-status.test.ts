import { readFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { SpawnError, errorCodes, type ErrorCode } from "spawn-mesh/engine";
import { describe, expect, test } from "vitest";
import { serviceError } from "./grpc-status.ts";

/** The rows of the table in the guide: codes, the name of a status, a status of HTTP. */
const guide = readFileSync(join(import.meta.dirname, "../../../../docs/guides/grpc.md"), "utf8");
const rows = [...guide.matchAll(/^\| (`[A-Z_`, ]+`) \| `([A-Z_]+)` \| (\d+) \|$/gm)].flatMap(
  ([, codes = "", grpc, http]) =>
    codes
      .split(", ")
      .map((code) => [code.replaceAll("`", "") as ErrorCode, grpc, Number(http)] as const),
);

describe("an error", () => {
  test("has a status in the guide, unless nobody should ever see it", () => {
    const unseen = ["NOT_OWNER", "KEY_COLLISION", "INTERNAL"];
    expect([...rows.map(([code]) => code), ...unseen].toSorted()).toEqual(
      Object.keys(errorCodes).toSorted(),
    );
  });

  test.each(rows)("%s is %s in gRPC and %i in HTTP, as the guide says", (code, grpc, http) => {
    const error = serviceError(new SpawnError(code, "why", { applied: "unknown" }));
    expect(status[error.code]).toBe(grpc);
    expect(errorCodes[code].http).toBe(http);
    expect(error.metadata.getMap()).toEqual({ "spawn-error": code, "spawn-applied": "unknown" });
  });

  test("of another kind is ours, and says nothing of what is inside", () => {
    const error = serviceError(new TypeError("secret"));
    expect(error.code).toBe(status.INTERNAL);
    expect(error.details).not.toContain("secret");
  });

  test("has a text that a header can hold", () => {
    const { details } = serviceError(
      new SpawnError("INVALID_ARGUMENT", `\ud800${"x".repeat(9_000)}`),
    );
    expect(details.isWellFormed()).toBe(true);
    expect(details.length).toBeLessThanOrEqual(2_000);
  });
});
