import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSpawnError } from "../engine/errors.ts";
import { decodeMessage } from "./decode-message.ts";
import { ActorSchema, ChannelSchema, Kind, type Actor } from "./gen/spawn/actors/actor_pb.ts";
import {
  ActorInvocationResponseSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
  RegistrationRequestSchema,
} from "./gen/spawn/protocol_pb.ts";
import { readRegistration, targetOf } from "./registration.ts";

/*
 * The bytes were made by protoc 3.21 (`protoc --encode`) from the text beside them, those of older
 * generations with `string channel_group = 1` in Metadata: our own encoder had no part in it.
 */
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

const channelsOf = (actor: Actor | undefined) =>
  actor?.metadata?.channelGroup.map(({ topic, action }) => [topic, action]);

describe("a registration", () => {
  /*
   * service_info { service_name: "spawn-py" support_library_name: "spawn-py-sdk"
   *                protocol_major_version: 1 protocol_minor_version: 1 }
   * actor_system { name: "spawn-system" registry { actors { key: "abs_actor" value {
   *   id { name: "abs_actor" system: "spawn-system" }
   *   state { }
   *   settings { kind: UNNAMED stateful: true snapshot_strategy { timeout { timeout: 2000 } }
   *              deactivation_strategy { timeout { timeout: 20000 } } }
   *   actions { name: "set_lang" }
   *   timer_actions { seconds: 10000 action { name: "hi" } }
   *   metadata { channel_group: "test" tags { key: "a" value: "b" } }
   * } } } }
   */
  const python = bytes(
    "0a1c0a08737061776e2d7079220c737061776e2d70792d73646b3001380112780a0c737061776e2d73797374656d" +
      "12680a660a096162735f6163746f7212590a190a096162735f6163746f72120c737061776e2d73797374656d1200" +
      "1a13080210011a050a0308d00f22060a0408a09c01220a0a087365745f6c616e672a0908904e12040a026869320e" +
      "0a047465737412060a0161120162",
  );

  test("of an older generation has its channel, and all the rest as it came", () => {
    const { serviceInfo, system, actors } = readRegistration(
      decodeMessage(RegistrationRequestSchema, python),
    );
    expect(serviceInfo).toMatchObject({ serviceName: "spawn-py", protocolMajorVersion: 1 });
    expect(system).toBe("spawn-system");
    const [actor] = actors;
    expect(actor?.id).toMatchObject({ name: "abs_actor", system: "spawn-system", parent: "" });
    expect(actor?.settings).toMatchObject({
      kind: Kind.UNNAMED,
      stateful: true,
      snapshotStrategy: { strategy: { case: "timeout", value: { timeout: 2000n } } },
      deactivationStrategy: { strategy: { case: "timeout", value: { timeout: 20_000n } } },
    });
    expect(actor?.definition).toMatchObject({
      actions: [{ name: "set_lang" }],
      timerActions: [{ seconds: 10_000, action: { name: "hi" } }],
      metadata: { channelGroup: [{ topic: "test", action: "" }], tags: { a: "b" } },
    });
  });

  test("of today's generation is read and written back byte for byte", () => {
    // … metadata { channel_group { topic: "news" action: "read" } channel_group { topic: "alarms" } }
    const today = bytes(
      "123e0a017312390a370a036a6f6512300a080a036a6f651201731a0a0801100142046a736f6e32180a0c0a046e65" +
        "7773120472656164" +
        "0a080a06616c61726d73",
    );
    const request = decodeMessage(RegistrationRequestSchema, today);
    const [actor] = readRegistration(request).actors;
    expect(channelsOf(actor?.definition)).toEqual([
      ["news", "read"],
      ["alarms", ""],
    ]);
    expect(actor?.settings.stateType).toBe("json");
    expect(toBinary(RegistrationRequestSchema, request)).toEqual(today);
  });

  test("may leave out anything", () => {
    expect(
      readRegistration(decodeMessage(RegistrationRequestSchema, new Uint8Array())),
    ).toMatchObject({ system: "", actors: [], serviceInfo: { serviceName: "" } });
  });

  test("takes names from around an actor that has none, and a kind that nobody knows for no kind", () => {
    // actor_system { registry { actors { key: "joe" value { settings { kind: 42 } } } } }
    const request = decodeMessage(
      RegistrationRequestSchema,
      bytes("120f120d0a0b0a036a6f6512041a02082a"),
    );
    const [actor] = readRegistration(request).actors;
    expect(actor?.id).toMatchObject({ name: "joe", system: "" });
    expect(actor?.settings.kind).toBe(Kind.UNKNOW_KIND);
  });
});

describe("an invocation", () => {
  /*
   * system { name: "s" registry { actors { key: "joe" value { metadata { channel_group: "pa" } } } } }
   * actor { id { name: "joe" } metadata { channel_group: "fleet" } }
   * action_name: "add"
   * value { type_url: "type.googleapis.com/eigr.functions.protocol.JSONType" value: … {"value":5} }
   * metadata { key: "request-timeout" value: "500" }
   * scheduled_to: 1700000000123
   */
  const spring = bytes(
    "0a140a0173120f0a0d0a036a6f65120632040a02706112100a050a036a6f6532070a05666c6565741a0361646422" +
      "450a34747970652e676f6f676c65617069732e636f6d2f656967722e66756e6374696f6e732e70726f746f636f6c" +
      "2e4a534f4e54797065120d0a0b7b2276616c7565223a357d42160a0f726571756573742d74696d656f7574120335" +
      "303048fbd095ffbc31",
  );

  test("carries registries of an older generation, and names its system only beside the actor", () => {
    const request = decodeMessage(InvocationRequestSchema, spring);
    expect(targetOf(request)).toMatchObject({ name: "joe", system: "s", parent: "" });
    // "pa" would pass for a Channel with an unknown field 14.
    expect(channelsOf(request.system?.registry?.actors["joe"])).toEqual([["pa", ""]]);
    expect(channelsOf(request.actor)).toEqual([["fleet", ""]]);
    expect(request).toMatchObject({
      actionName: "add",
      scheduledTo: 1_700_000_000_123n,
      metadata: { "request-timeout": "500" },
      payload: { case: "value" },
    });
  });

  test("without a target names nobody", () => {
    const request = decodeMessage(InvocationRequestSchema, new Uint8Array());
    expect(targetOf(request)).toMatchObject({ name: "", system: "" });
  });
});

describe("the answer of a host", () => {
  /*
   * actor_name: "joe" actor_system: "s" updated_context { state { type_url: … value: "\x08\x07" } } noop { }
   * workflow {
   *   effects { request { system { name: "s" } action_name: "sum" async: true
   *                       actor { id { name: "bob" system: "s" } metadata { channel_group: "test" } } } }
   *   broadcast { channel_group: "news" action_name: "listen" value { type_url: "x/y" } }
   *   pipe { actor: "bob" action_name: "next" } }
   * checkpoint: true
   */
  const answer = bytes(
    "0a036a6f651201731a390a370a31747970652e676f6f676c65617069732e636f6d2f696f2e656967722e73706177" +
      "6e2e6578616d706c652e4d795374617465120208072a480a220a200a030a017312120a080a03626f621201733206" +
      "0a04746573741a0373756d280112150a046e65777312066c697374656e1a050a03782f791a0b0a03626f6212046e" +
      "65787432003801",
  );

  test("has effects of an older generation, and the action of an older broadcast", () => {
    const response = decodeMessage(ActorInvocationResponseSchema, answer);
    const [effect] = response.workflow?.effects ?? [];
    expect(channelsOf(effect?.request?.actor)).toEqual([["test", ""]]);
    expect(effect?.request).toMatchObject({ actionName: "sum", async: true });
    expect(response).toMatchObject({
      payload: { case: "noop" },
      checkpoint: true,
      updatedContext: { state: { value: new Uint8Array([8, 7]) } },
      workflow: {
        broadcast: { channelGroup: "news", actionName: "listen", payload: { case: "value" } },
        routing: { case: "pipe", value: { actor: "bob", actionName: "next" } },
      },
    });
  });
});

describe("a channel", () => {
  /** An actor whose Metadata has this in field 1, in the bytes of an answer that holds it. */
  function sent(...contents: readonly Uint8Array[]): Uint8Array {
    const field = (number: number, content: Uint8Array) =>
      Buffer.concat([Buffer.from([number * 8 + 2]), varint(content.length), content]);
    const metadata = Buffer.concat(contents.map((content) => field(1, content)));
    return field(3, field(6, metadata));
  }
  const read = (message: Uint8Array) =>
    channelsOf(decodeMessage(InvocationResponseSchema, message).actor);

  test("that is a text is the topic, unless it begins with a control character", () => {
    const text = fc.string({ unit: "binary", minLength: 1 }).filter((s) => s.isWellFormed());
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (topics) => {
        const printable = topics.filter((topic) => topic.charCodeAt(0) >= 0x20);
        expect(read(sent(...printable.map((topic) => Buffer.from(topic))))).toEqual(
          printable.length === 0 ? [] : printable.map((topic) => [topic, ""]),
        );
      }),
    );
  });

  test("that is a Channel stays one", () => {
    const channel = fc.record({ topic: fc.string(), action: fc.string() });
    fc.assert(
      fc.property(fc.array(channel), (channels) => {
        const contents = channels.map((init) =>
          toBinary(ChannelSchema, create(ChannelSchema, init)),
        );
        expect(read(sent(...contents))).toEqual(
          channels.map(({ topic, action }) => [topic, action]),
        );
      }),
    );
  });

  test("that is neither is refused", () => {
    expect(() => read(sent(Uint8Array.of(0xff, 0xfe)))).toThrow(/no spawn.InvocationResponse/);
  });
});

describe("bytes that are no message", () => {
  const schemas = [
    RegistrationRequestSchema,
    InvocationRequestSchema,
    ActorInvocationResponseSchema,
    InvocationResponseSchema,
  ];

  test("are refused with INVALID_ARGUMENT or read, and never anything else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas),
        fc.uint8Array({ maxLength: 200 }),
        (schema, noise) => {
          const error = errorOf(() => decodeMessage(schema, noise));
          if (error !== undefined)
            expect(isSpawnError(error) && error.code).toBe("INVALID_ARGUMENT");
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("are refused when groups are nested ten thousand deep", () => {
    const groups = new Uint8Array(10_000).fill(15 * 8 + 3);
    for (const schema of schemas) {
      expect(() => decodeMessage(schema, groups)).toThrow(/recursion/);
    }
  });
});

test("fields that nobody knows are kept", () => {
  // A field 100 beside what is known.
  const known = toBinary(ActorSchema, create(ActorSchema, { id: { name: "joe" } }));
  const message = Buffer.concat([known, Buffer.from([0xa2, 0x06, 0x01, 0x41])]);
  expect(toBinary(ActorSchema, fromBinary(ActorSchema, message))).toEqual(new Uint8Array(message));
});

function varint(value: number): Buffer {
  const digits: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...digits, rest]);
    digits.push((rest & 0x7f) | 0x80);
  }
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}
