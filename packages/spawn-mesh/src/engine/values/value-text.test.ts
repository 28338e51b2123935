import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "./fingerprint.ts";
import { defaultLimits } from "../limits.ts";
import { payloadOf, payloadText } from "../messages/message-payload.ts";
import { OpaqueValue, textOfValue, valueOfText } from "./value-text.ts";
import { copyBounded, copyValue, encodeValue, lastCopiedUnits } from "./values.ts";

const opaque = fc
  .tuple(fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 300 }))
  .map(([type, bytes]) => new OpaqueValue(type, bytes));

describe("an opaque value", () => {
  test("comes out of its text as it went in, and its text fits every database", () => {
    fc.assert(
      fc.property(opaque, (value) => {
        const text = textOfValue(value);
        const again = valueOfText(text) as OpaqueValue;
        expect(again).toBeInstanceOf(OpaqueValue);
        expect(again.type).toBe(value.type);
        expect(Buffer.from(again.bytes)).toEqual(Buffer.from(value.bytes));
        expect(text.isWellFormed() && !text.includes("\0")).toBe(true);
      }),
    );
  });

  test("has a text that no JSON value has", () => {
    fc.assert(
      fc.property(opaque, fc.jsonValue(), (value, json) => {
        expect(() => JSON.parse(textOfValue(value)) as unknown).toThrow(SyntaxError);
        expect(valueOfText(textOfValue(json))).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });

  test("is a view of the bytes that it is given, not of what lies around them", () => {
    const around = Buffer.from("before-inside-behind");
    const text = textOfValue(new OpaqueValue("t", around.subarray(7, 13)));
    expect(Buffer.from((valueOfText(text) as OpaqueValue).bytes).toString()).toBe("inside");
  });

  test("is not copied, and counts with its bytes", () => {
    const value = new OpaqueValue("type", new Uint8Array(100));
    expect(copyValue(value, "payload")).toBe(value);
    expect(lastCopiedUnits()).toBe(104);
    expect(copyBounded(value, "payload", 100)).toBe(value);
    expect(() => copyBounded(value, "payload", 99)).toThrow("[PAYLOAD_TOO_LARGE]");
  });

  test("is refused inside another value, and as a state", () => {
    const value = new OpaqueValue("type", new Uint8Array(1));
    expect(() => copyValue({ inside: value }, "payload")).toThrow("payload.inside");
    expect(() => copyValue([value], "payload")).toThrow("payload[0]");
    expect(() => encodeValue(value, "state")).toThrow("[INVALID_ARGUMENT]");
  });

  test("is the payload of a message as any other value is", () => {
    const value = new OpaqueValue("type", Uint8Array.of(0, 255));
    const payload = payloadText(value, defaultLimits);
    expect(payloadOf({ payload })).toEqual(new OpaqueValue("type", Buffer.of(0, 255)));
  });

  test("has a canonical text, which tells it from others", () => {
    const texts = [
      new OpaqueValue("a", Uint8Array.of(1)),
      new OpaqueValue("b", Uint8Array.of(1)),
      new OpaqueValue("a", Uint8Array.of(2)),
    ].map(canonicalJson);
    expect(new Set(texts).size).toBe(3);
    expect(canonicalJson(new OpaqueValue("a", Uint8Array.of(1)))).toBe(texts[0]);
  });
});
