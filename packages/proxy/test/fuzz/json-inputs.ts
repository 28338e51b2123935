/** Requests to the routes that speak JSON. */
import type { Choices } from "./choices.ts";
import type { FuzzInput } from "./inputs.ts";
import { FUZZED, JSON_TEXTS, NAMES } from "./messages.ts";
import { mutate } from "./mutations.ts";

const TYPES: readonly string[] = [
  "application/json",
  "application/json",
  "application/json; charset=utf-16",
  "application/octet-stream",
  "",
];

/** Headers that are options of a call, as nobody should send them. */
const OPTIONS: readonly Readonly<Record<string, string>>[] = [
  { "spawn-deadline-ms": "-1" },
  { "spawn-deadline-ms": "1e99" },
  { "spawn-delay-ms": "99999999999999" },
  { "spawn-delay-ms": "x" },
  { "idempotency-key": "k".repeat(300) },
  { "idempotency-key": "k" },
  { "spawn-metadata-__proto__": "x" },
  { "spawn-metadata-x": "y".repeat(10_000) },
  { prefer: "respond-async, respond-async;;;=" },
];

/** What a field of an index is asked for. */
const WANTED: readonly unknown[] = [
  1,
  -1e308,
  "x",
  "",
  "\u0000",
  "\ud800",
  "y".repeat(600),
  true,
  null,
  [],
  {},
  { from: 1, below: 0 },
  { from: "a", below: 1 },
  { from: null },
  { __proto__: null, from: {} },
];

export function jsonInput(choices: Choices): FuzzInput {
  const { path, text } = requestOf(choices);
  const body = choices.chance(0.3) ? Buffer.from(text) : mutate(Buffer.from(text), choices);
  const headers: Record<string, string> = {
    "content-type": choices.pick(TYPES),
    "spawn-deadline-ms": "1000",
  };
  if (choices.chance(0.3)) Object.assign(headers, choices.pick(OPTIONS));
  return { kind: "http", to: "proxy", method: "POST", path, headers, body };
}

function requestOf(choices: Choices): { readonly path: string; readonly text: string } {
  const name = (): string => choices.pick(choices.chance(0.5) ? FUZZED : NAMES);
  const part = (): string => encodeURIComponent(name());
  const at = `/api/v1/system/${choices.chance(0.9) ? "spawn-system" : part()}`;
  switch (choices.below(4)) {
    case 0: {
      const query = choices.chance(0.8) ? "" : `?definition=${part()}`;
      const path = `${at}/actors/${part()}/${choices.pick(["add", "get", "%00"])}${query}`;
      return { path, text: choices.pick(JSON_TEXTS) };
    }
    case 1:
      return { path: `${at}/channels/${part()}`, text: choices.pick(JSON_TEXTS) };
    case 2: {
      const query = {
        definition: name(),
        ...(choices.chance(0.7) && { where: { [name()]: choices.pick(WANTED) } }),
        ...(choices.chance(0.2) && { tags: choices.pick(WANTED) }),
        ...(choices.chance(0.2) && { limit: choices.pick([0, 1, 1e9, "x"]) }),
        ...(choices.chance(0.2) && { after: choices.pick(WANTED) }),
        ...(choices.chance(0.1) && { [name()]: true }),
      };
      return { path: `${at}/actors/find`, text: JSON.stringify(query) };
    }
    default: {
      const message = {
        name: name(),
        action: choices.pick(["add", "", name()]),
        payload: choices.below(10),
        ...(choices.chance(0.3) && { definition: name() }),
        ...(choices.chance(0.1) && { delayMs: choices.pick([-1, 0, 1e99, "soon"]) }),
        ...(choices.chance(0.1) && { cron: choices.pick(["", "* * * *", "99 99 99 99 99", "@"]) }),
        ...(choices.chance(0.1) && { [name()]: true }),
      };
      return { path: `${at}/messages`, text: JSON.stringify(message) };
    }
  }
}
