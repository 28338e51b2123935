import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJsonType, isNoop, jsonTextOf, respell, spellingOf, wrapJson } from "./type-urls.ts";
import type { Spelling } from "./type-urls.ts";

const spellings: readonly Spelling[] = ["spawn", "eigr.functions.protocol", "eigr.spawn"];
const anySpelling = fc.constantFrom(...spellings);
const PREFIX = "type.googleapis.com/";

describe("JSONType and Noop", () => {
  test.each(spellings)("are known as %s", (spelling) => {
    expect(isJsonType(`${PREFIX}${spelling}.JSONType`)).toBe(true);
    expect(isNoop(`${PREFIX}${spelling}.Noop`)).toBe(true);
    expect(spellingOf(`${PREFIX}${spelling}.Noop`)).toBe(spelling);
    expect(spellingOf(`${spelling}.JSONType`)).toBe(spelling);
  });

  test("get the spelling of whoever receives them, and keep their bytes", () => {
    fc.assert(
      fc.property(anySpelling, anySpelling, fc.string(), (from, to, text) => {
        const sent = wrapJson(text, from);
        const received = respell(sent, to);
        expect(received.typeUrl).toBe(`${PREFIX}${to}.JSONType`);
        expect(received.value).toBe(sent.value);
        expect(toBinary(AnySchema, received)).toEqual(toBinary(AnySchema, wrapJson(text, to)));
        expect(jsonTextOf(received)).toBe(text);
      }),
    );
    expect(respell(create(AnySchema, { typeUrl: `${PREFIX}spawn.Noop` }), "eigr.spawn")).toEqual(
      create(AnySchema, { typeUrl: `${PREFIX}eigr.spawn.Noop` }),
    );
  });

  test("are encoded as every SDK encodes them", () => {
    // protoc --encode=google.protobuf.Any of: type_url: "…/spawn.JSONType" value: "\n\002{}"
    expect(Buffer.from(toBinary(AnySchema, wrapJson("{}", "spawn"))).toString("hex")).toBe(
      "0a22747970652e676f6f676c65617069732e636f6d2f737061776e2e4a534f4e5479706512040a027b7d",
    );
  });

  test("are not mistaken for others", () => {
    for (const typeUrl of [
      "",
      "JSONType",
      `${PREFIX}JSONType`,
      `${PREFIX}my.spawn.JSONType`,
      `${PREFIX}spawn.JSONType2`,
      `${PREFIX}spawn.actors.Noop`,
      `${PREFIX}spawn.jsontype`,
      `${PREFIX}google.protobuf.Empty`,
    ]) {
      expect([typeUrl, spellingOf(typeUrl)]).toEqual([typeUrl, undefined]);
      expect(isJsonType(typeUrl) || isNoop(typeUrl)).toBe(false);
    }
  });
});

describe("any other Any", () => {
  test("is the same object after respelling, and holds no JSON text", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), anySpelling, (typeUrl, value, spelling) => {
        const any = create(AnySchema, { typeUrl, value });
        expect(respell(any, spelling)).toBe(any);
        expect(jsonTextOf(any)).toBeUndefined();
      }),
    );
  });
});

test("an Any that says JSONType and holds something else is refused", () => {
  const broken = create(AnySchema, {
    typeUrl: `${PREFIX}spawn.JSONType`,
    value: Uint8Array.of(0x0a, 0xff),
  });
  expect(() => jsonTextOf(broken)).toThrow(/\[INVALID_ARGUMENT\].*no JSONType/);
});
