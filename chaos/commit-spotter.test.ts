import { expect, test } from "vitest";
import { mariadbSpotter, postgresSpotter } from "./commit-spotter.ts";

test("a commit on PostgreSQL is known by its text, and from then on by its name", () => {
  const isCommit = postgresSpotter();
  expect(isCommit("P....spawn_1\0SELECT 1\0B....\0spawn_1\0")).toBe(false);
  expect(isCommit("P....spawn_2\0WITH u AS () SELECT i FROM applied\0B....\0spawn_2\0")).toBe(true);
  expect(isCommit("B....\0spawn_2\0....")).toBe(true);
  expect(isCommit("B....\0spawn_1\0....")).toBe(false);
  expect(isCommit("B....\0spawn_22\0....")).toBe(false);
});

test("a commit on MariaDB is known by its text", () => {
  const isCommit = mariadbSpotter();
  expect(isCommit("START TRANSACTION;\nUPDATE spawn_actor SET kept_at = 1")).toBe(true);
  expect(isCommit("START TRANSACTION;\nINSERT INTO spawn_actor (k)")).toBe(true);
  expect(isCommit("SELECT 1 FROM spawn_actor")).toBe(false);
  // What is tried at the start and taken back.
  expect(isCommit("BEGIN;\nUPDATE spawn_actor SET rev = rev WHERE 1 = 0;\nROLLBACK")).toBe(false);
});
