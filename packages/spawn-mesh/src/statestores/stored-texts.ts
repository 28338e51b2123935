/**
 * Texts of rows that are JSON of a certain shape. What is damaged may still be JSON, and would be taken for
 * what it is not. The reasons quote nothing: what is stored is for its owner's eyes.
 */
import type { ActorId } from "../engine/actor-id.ts";
import { SpawnError } from "../engine/errors.ts";
import type { MessageHeaders } from "../engine/message-store.ts";
import type { Tags } from "../engine/statestore.ts";

const MESSAGE_KINDS: readonly unknown[] = [
  "call",
  "step",
  "broadcast",
  "external",
] satisfies readonly MessageHeaders["kind"][];

/** @throws {SpawnError} `STATE_CORRUPT` */
export function tagsOfText(text: unknown): Tags {
  const tags = jsonOf("tags are", text);
  if (isRecord(tags) && Object.values(tags).every(isText)) return tags as Tags;
  throw damaged("tags are", "an object of texts");
}

/** @throws {SpawnError} `STATE_CORRUPT` */
export function headersOfText(text: unknown): MessageHeaders {
  const headers = jsonOf("headers are", text);
  if (isRecord(headers) && MESSAGE_KINDS.includes(headers["kind"]))
    return headers as unknown as MessageHeaders;
  throw damaged("headers are", "those of a message");
}

/** An actor as one text that no other actor has. */
export function textOfNames({ system, definition, name }: ActorId): string {
  return JSON.stringify([system, definition, name]);
}

/** @throws {SpawnError} `STATE_CORRUPT` */
export function namesOfText(what: "source" | "target", text: unknown): ActorId {
  const names = jsonOf(`${what} is`, text);
  if (!Array.isArray(names) || names.length !== 3 || !names.every(isText))
    throw damaged(`${what} is`, "the three names of an actor");
  const [system, definition, name] = names as [string, string, string];
  return { system, definition, name };
}

function jsonOf(what: string, text: unknown): unknown {
  if (typeof text !== "string") throw damaged(what, "a text");
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(what, "JSON");
  }
}

function damaged(what: string, expected: string): SpawnError {
  return new SpawnError("STATE_CORRUPT", `the stored ${what} damaged: expected ${expected}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
