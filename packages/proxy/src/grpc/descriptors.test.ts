import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { isSpawnError } from "spawn-mesh/engine";
import { describe, expect, test } from "vitest";
import { readDescriptorSets } from "./descriptors.ts";

type FileInit = NonNullable<MessageInitShape<typeof FileDescriptorSetSchema>["file"]>[number];

const setOf = (...file: FileInit[]): Uint8Array =>
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
const message = (name: string) => [{ name }];

describe("descriptor sets", () => {
  test("may have their files in any order, in several sets, and twice", () => {
    const a: FileInit = {
      name: "a.proto",
      package: "a",
      dependency: ["b.proto"],
      messageType: message("A"),
    };
    const b: FileInit = { name: "b.proto", package: "b", messageType: message("B") };
    for (const sets of [
      [setOf(a, b)],
      [setOf(b, a)],
      [setOf(a), setOf(b)],
      [setOf(a, b), setOf(b)],
    ]) {
      const registry = readDescriptorSets(sets);
      expect(registry.getMessage("a.A")?.typeName).toBe("a.A");
      expect(registry.getMessage("b.B")?.typeName).toBe("b.B");
    }
  });

  test("may leave out what everybody imports", () => {
    const dependency = [
      "google/protobuf/timestamp.proto",
      "google/api/annotations.proto",
      "spawn/actors/extensions.proto",
    ];
    const registry = readDescriptorSets([setOf({ name: "a.proto", dependency })]);
    expect(registry.getFile("a.proto")?.dependencies).toHaveLength(3);
    expect(registry.getMessage("google.protobuf.Timestamp")).toBeDefined();
  });

  test("are nothing at all, too", () => {
    expect(readDescriptorSets([]).getMessage("google.protobuf.Any")).toBeDefined();
    expect(readDescriptorSets([new Uint8Array()]).getFile("a.proto")).toBeUndefined();
  });

  test.each([
    [
      "an import that is in none of them",
      [setOf({ name: "a", dependency: ["b"] })],
      "a imports b, which is in none",
    ],
    [
      "files that import one another",
      [setOf({ name: "a", dependency: ["b"] }, { name: "b", dependency: ["a"] })],
      "imports itself",
    ],
    [
      "different files of one name",
      [
        setOf({ name: "a", messageType: message("A") }),
        setOf({ name: "a", messageType: message("B") }),
      ],
      "two different files are called a",
    ],
    [
      "a message without a name",
      [setOf({ name: "a", messageType: message("") })],
      "invalid message name",
    ],
    [
      "a field of a type that is not there",
      [
        setOf({
          name: "a",
          messageType: [{ name: "A", field: [{ name: "f", number: 1, type: 11, typeName: ".B" }] }],
        }),
      ],
      "cannot be used",
    ],
    ["bytes that are none", [Uint8Array.of(1, 2, 3)], "a descriptor set of 3 bytes cannot be read"],
  ])("are refused for %s", (_, sets, why) => {
    expect(() => readDescriptorSets(sets)).toThrow(/^\[INVALID_ARGUMENT\]/);
    expect(() => readDescriptorSets(sets)).toThrow(why);
  });

  test("of any bytes are read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          readDescriptorSets([bytes]);
        } catch (error) {
          expect(isSpawnError(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
