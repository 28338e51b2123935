import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Message, StoredMessage } from "../../engine/message-store.ts";
import { isSealed } from "../../engine/sealed-rows.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { Keyring } from "./keyring.ts";
import { Sealing } from "./sealing.ts";

const ann = { system: "shop", definition: "customer", name: "ann" };
const bob = { ...ann, name: "bob" };
const sealing = new Sealing(new Keyring({ keys: { k: randomBytes(32) } }));

const state: StoredState = {
  etag: "\u0000'\u0080\u00ff23456789abcdef",
  state: '{"secret":"ü"}',
  codec: "json",
  stateVersion: 2,
  tags: { city: "Graz" },
  revision: 7,
  at: 1,
};
const reply: StoredReply = {
  key: "order-7",
  fingerprint: "0123",
  kind: "reply",
  reply: '"secret"',
  expiresAt: 99,
};
const message: Message = {
  id: "m1",
  source: ann,
  target: bob,
  action: "pay",
  payload: '{"card":"secret"}',
  headers: { kind: "call", metadata: { token: "secret" } },
  isOrdered: true,
  isTimer: false,
  sentAt: 1,
  dueAt: 2,
};

describe("sealing", () => {
  test.each(['{"a":"ü😀"}', "", new Uint8Array(), Uint8Array.of(0, 255)])(
    "gives back a state of %j, under the active key",
    (value) => {
      const stored = sealing.sealState(ann, { ...state, state: value });
      expect(stored.state).toMatchObject({ keyId: "k" });
      expect(sealing.openState(ann, stored)).toEqual({ ...state, state: value });
    },
  );

  test("leaves a deleted state as it is", () => {
    const deleted = { ...state, state: undefined };
    expect(sealing.sealState(ann, deleted)).toBe(deleted);
    expect(sealing.openState(ann, deleted)).toBe(deleted);
  });

  test.each<[string, Partial<StoredState>, typeof ann]>([
    ["another actor", {}, bob],
    ["a definition of the same letters", {}, { ...ann, system: "shopc", definition: "ustomer" }],
    ["another commit", { etag: "other" }, ann],
    ["another version of its shape", { stateVersion: 1 }, ann],
  ])("does not open a state for %s", (_what, fields, actor) => {
    const opened = sealing.openState(actor, { ...sealing.sealState(ann, state), ...fields });
    expect(opened.state).toMatchObject({
      problem: expect.stringMatching(/cannot be decrypted with key "k": expected/),
    });
  });

  test.each(['"x"', null, undefined])("gives back a reply of %j with its fingerprint", (text) => {
    const stored = sealing.sealReply(ann, { ...reply, reply: text });
    expect(stored.fingerprint).toBe("");
    expect(sealing.openReply(ann, stored)).toEqual({ ...reply, reply: text });
  });

  test.each<[string, Partial<StoredReply>]>([
    ["another key", { key: "order-8" }],
    ["another kind", { kind: "failed" }],
    ["a later time", { expiresAt: 100 }],
  ])("does not open a reply for %s", (_what, fields) => {
    const stored = { ...sealing.sealReply(ann, reply), ...fields };
    expect(isSealed(sealing.openReply(ann, stored).reply)).toBe(true);
    expect(isSealed(sealing.openReply(bob, sealing.sealReply(ann, reply)).reply)).toBe(true);
  });

  test("seals the payload of a message with all its headers but the kind", () => {
    const sealed = sealing.sealMessage(message);
    expect(sealed.headers).toEqual({ kind: "call" });
    expect(sealing.openMessage(sealed)).toEqual({ ...message, error: undefined });
    const empty = { ...message, payload: null };
    expect(sealing.openMessage(sealing.sealMessage(empty))).toEqual({ ...empty, error: undefined });
  });

  test.each<[string, Partial<Message>]>([
    ["another id", { id: "m2" }],
    ["another of the same id", { sentAt: 2 }],
    ["another target", { target: ann }],
    ["another source", { source: bob }],
    ["no source", { source: undefined }],
    ["another action", { action: "refund" }],
    ["another kind", { headers: { kind: "external" } }],
  ])("does not open a message for %s", (_what, fields) => {
    const opened = sealing.openMessage({ ...sealing.sealMessage(message), ...fields });
    expect(isSealed(opened.payload)).toBe(true);
  });

  test("seals why a message failed, for this message", () => {
    const error = sealing.sealError(message, "card secret was refused");
    expect(error).not.toContain("secret");
    const stored: StoredMessage = { ...sealing.sealMessage(message), attempts: 1, error };
    expect(sealing.openMessage(stored).error).toBe("card secret was refused");
    for (const other of [{ id: "m2" }, { sentAt: 2 }]) {
      const moved = sealing.openMessage({ ...stored, ...other });
      expect(moved.error).toMatch(/^the reason cannot be decrypted/);
    }
    expect(sealing.openMessage({ ...stored, error: "in clear" }).error).toBe("in clear");
  });

  test("makes at most 4 100 ASCII characters of the longest reason", () => {
    const id = "k".repeat(32);
    const longest = new Sealing(new Keyring({ keys: { [id]: randomBytes(32) } }));
    const error = longest.sealError(message, "€".repeat(1000));
    expect(error.length).toBeLessThanOrEqual(4100);
    expect(Buffer.byteLength(error)).toBe(error.length);
  });

  test("takes no value for one of another purpose", () => {
    const { state: sealed } = sealing.sealState(ann, state);
    expect(isSealed(sealed)).toBe(true);
    const asReply = sealing.openReply(ann, { ...reply, reply: sealed as never });
    expect(isSealed(asReply.reply)).toBe(true);
    const asPayload = sealing.openMessage({ ...message, payload: sealed as never });
    expect(isSealed(asPayload.payload)).toBe(true);
  });

  test("reads what is in clear, unless encryption is required", () => {
    expect(sealing.openState(ann, state)).toBe(state);
    expect(sealing.openReply(ann, reply)).toBe(reply);
    const strict = new Sealing(new Keyring({ keys: { k: randomBytes(32) }, required: true }));
    const problem = expect.stringMatching(/in clear text, expected it encrypted/);
    expect(strict.openState(ann, state).state).toMatchObject({ problem });
    expect(strict.openReply(ann, reply).reply).toMatchObject({ problem });
    expect(strict.openMessage(message).payload).toMatchObject({ problem });
  });

  test("names the keys that there are when one is missing", () => {
    const other = new Sealing(
      new Keyring({ keys: { x: randomBytes(32), y: randomBytes(32) }, active: "x" }),
    );
    const { state: opened } = other.openState(ann, sealing.sealState(ann, state));
    expect(opened).toMatchObject({
      problem: 'is encrypted with key "k", and there are keys "x", "y" only',
    });
  });
});
