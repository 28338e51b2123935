import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunSchema } from "./gen/spawn/mesh/run_pb.ts";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
  NoopSchema,
  WorkflowSchema,
} from "./gen/spawn/protocol_pb.ts";
import type { Status } from "./gen/spawn/protocol_pb.ts";
import { runIn, usualMessage } from "./usual-messages.ts";

const text = fc.oneof(
  { weight: 40, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom("é", "__proto__") },
);
const texts = fc.dictionary(text, text, { maxKeys: 3 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const idOf = fc.record({ name: text, system: text, parent: text });
const any = fc
  .record({
    typeUrl: fc.oneof(text, fc.constant("type.googleapis.com/spawn.JSONType")),
    value: fc.uint8Array({ maxLength: 200 }),
  })
  .map((fields) => create(AnySchema, fields));
const payload = fc.oneof(
  any.map((value) => ({ case: "value" as const, value })),
  fc.constant({ case: "noop" as const, value: create(NoopSchema) }),
  fc.constant({ case: undefined }),
);
const context = fc.record({
  metadata: texts,
  tags: texts,
  state: optional(any),
  self: optional(idOf),
});
const run = fc
  .record({
    runId: text,
    revision: fc.oneof(
      fc.bigInt({ min: 0n, max: 9_999n }),
      fc.bigInt({ min: -1n, max: 2n ** 62n }),
    ),
  })
  .map((fields) => toBinary(RunSchema, create(RunSchema, fields)));

function given<Value extends object>(fields: Value): Value {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Value;
}

const messages: Readonly<Record<string, readonly [DescMessage, fc.Arbitrary<Uint8Array>]>> = {
  "a call": [
    InvocationRequestSchema,
    fc
      .record({
        system: optional(fc.record({ name: text })),
        actor: optional(fc.record({ id: idOf })),
        actionName: text,
        payload,
        async: fc.boolean(),
        caller: optional(idOf),
        metadata: texts,
        scheduledTo: fc.constantFrom(0n, 0n, 5n),
        registerRef: text,
      })
      .map((fields) =>
        toBinary(InvocationRequestSchema, create(InvocationRequestSchema, given(fields))),
      ),
  ],
  "the answer to a call": [
    InvocationResponseSchema,
    fc
      .record({
        status: optional(
          fc.record({
            status: fc.constantFrom<Status>(0, 1, 2, 3, -1 as Status, 9 as Status),
            message: text,
          }),
        ),
        system: optional(fc.record({ name: text })),
        actor: optional(fc.record({ id: idOf })),
        payload,
      })
      .map((fields) =>
        toBinary(InvocationResponseSchema, create(InvocationResponseSchema, given(fields))),
      ),
  ],
  "an invocation": [
    ActorInvocationSchema,
    fc
      .record({
        actor: optional(idOf),
        actionName: text,
        payload,
        currentContext: optional(context),
      })
      .map((fields) =>
        toBinary(ActorInvocationSchema, create(ActorInvocationSchema, given(fields))),
      ),
  ],
  "what a host answers": [
    ActorInvocationResponseSchema,
    fc
      .record({
        actorName: text,
        actorSystem: text,
        updatedContext: optional(context),
        payload,
        workflow: fc.oneof(
          { weight: 5, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.constant(create(WorkflowSchema)) },
        ),
        checkpoint: fc.boolean(),
      })
      .map((fields) =>
        toBinary(
          ActorInvocationResponseSchema,
          create(ActorInvocationResponseSchema, given(fields)),
        ),
      ),
  ],
};

const cases = Object.entries(messages).map(([name, [schema, bytes]]) => ({ name, schema, bytes }));

/** What the library reads; `undefined` when it reads nothing. */
function readByTheLibrary(schema: DescMessage, bytes: Uint8Array): unknown {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

describe.each(cases)("$name", ({ schema, bytes }) => {
  test("is read as the library reads it, or left to that", () => {
    let read = 0;
    fc.assert(
      fc.property(bytes, fc.oneof(run, fc.constant(new Uint8Array(0))), (message, further) => {
        const all = Buffer.concat([message, further]);
        const usual = usualMessage(schema.typeName, all);
        if (usual === undefined) return;
        read++;
        expect(usual).toEqual(fromBinary(schema, all));
      }),
    );
    expect(read).toBeGreaterThan(20);
  });

  test("with bytes changed is never read in another way than the library reads it", () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(400) });
    fc.assert(
      fc.property(bytes, fc.array(change, { minLength: 1, maxLength: 3 }), (message, changes) => {
        let changed = Buffer.concat([message, message.subarray(0, changes[0]!.cut % 30)]);
        for (const { at, byte } of changes)
          if (changed.length > 0) changed[at % changed.length] = byte;
        changed = changed.subarray(0, Math.max(1, changed.length - (changes[0]!.cut % 3)));
        const usual = usualMessage(schema.typeName, changed);
        if (usual !== undefined) expect(usual).toEqual(readByTheLibrary(schema, changed));
      }),
      { numRuns: 1_000 },
    );
  });
});

test("what an invocation says of its run is read from its further fields", () => {
  const told = create(RunSchema, { runId: "run", revision: 300n });
  const bytes = Buffer.concat([
    toBinary(ActorInvocationSchema, create(ActorInvocationSchema, { actionName: "add" })),
    toBinary(RunSchema, told),
  ]);
  expect(runIn(fromBinary(ActorInvocationSchema, bytes))).toEqual({ id: "run", revision: 300 });
  expect(runIn(create(ActorInvocationSchema))).toEqual({ id: "", revision: 0 });
});

test("usual messages are read here, and not by the library", () => {
  const id = { name: "counter-1", system: "bench", parent: "counter" };
  const value = create(AnySchema, { typeUrl: "type.googleapis.com/spawn.JSONType" });
  const call = create(InvocationRequestSchema, {
    system: { name: "bench" },
    actor: { id },
    actionName: "add",
    payload: { case: "value", value },
    metadata: { "request-timeout": "1000" },
    registerRef: "counter",
  });
  expect(usualMessage(call.$typeName, toBinary(InvocationRequestSchema, call))).toEqual(call);
  expect(usualMessage("spawn.RegistrationRequest", new Uint8Array(0))).toBeUndefined();
});
