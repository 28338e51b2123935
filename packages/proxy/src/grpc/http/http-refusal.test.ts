import { SpawnError } from "spawn-mesh/engine";
import { expect, test } from "vitest";
import { answerToError } from "./http-refusal.ts";

test("what an action refuses is no fault of the server, and what it throws is", () => {
  const failure = { code: "closed", data: { since: 5 } };
  const refused = answerToError(new SpawnError("ACTION_FAILED", "closed", { failure }));
  expect(refused.status).toBe(422);
  expect(JSON.parse(refused.body)).toMatchObject({ code: "ACTION_FAILED", applied: "no", failure });
  expect(answerToError(new SpawnError("ACTION_FAILED", "oops")).status).toBe(500);
});
