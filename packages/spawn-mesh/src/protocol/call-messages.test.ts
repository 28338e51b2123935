import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  callAnswerBytes,
  callBytes,
  hostAnswerBytes,
  invocationBytes,
  jsonTypeBytes,
} from "./call-messages.ts";
import { RunSchema } from "./gen/spawn/mesh/run_pb.ts";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
  JSONTypeSchema,
  NoopSchema,
  Status,
  WorkflowSchema,
} from "./gen/spawn/protocol_pb.ts";

const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 100, maxLength: 200 }));
const texts = fc.dictionary(text, text);
const id = fc.record({ name: text, system: text, parent: text });
const any = fc
  .record({ typeUrl: text, value: fc.uint8Array({ maxLength: 300 }) })
  .map((fields) => create(AnySchema, fields));
const payload = fc.oneof(
  any.map((value) => ({ case: "value" as const, value })),
  fc.constant({ case: "noop" as const, value: create(NoopSchema) }),
  fc.constant({ case: undefined }),
);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

describe("what is written field by field is what the library writes", () => {
  test("of an invocation", () => {
    const parts = fc.record({
      actor: id,
      actionName: text,
      state: optional(any),
      caller: optional(id),
      metadata: texts,
      tags: texts,
      payload,
      run: fc.record({ id: text, revision: fc.maxSafeNat() }),
    });
    fc.assert(
      fc.property(parts, ({ state, caller, metadata, tags, run, ...parts }) => {
        const { actor, actionName, payload } = parts;
        const message = create(ActorInvocationSchema, {
          actor,
          actionName,
          currentContext: {
            ...(state && { state }),
            ...(caller && { caller }),
            self: actor,
            metadata,
            tags,
          },
          payload,
          ...(caller && { caller }),
        });
        const told = create(RunSchema, { runId: run.id, revision: BigInt(run.revision) });
        expect(
          Buffer.from(invocationBytes({ ...parts, state, caller, metadata, tags, run })),
        ).toEqual(
          Buffer.concat([toBinary(ActorInvocationSchema, message), toBinary(RunSchema, told)]),
        );
      }),
    );
  });

  test("of what a host answers", () => {
    const parts = fc.record({
      actorName: text,
      actorSystem: text,
      state: optional(any),
      tags: texts,
      payload,
      effects: optional(fc.array(text, { maxLength: 2 })),
      isCheckpoint: fc.boolean(),
    });
    fc.assert(
      fc.property(parts, ({ state, tags, effects, isCheckpoint, ...parts }) => {
        const requests = effects?.map((actionName) => ({ request: { actionName } }));
        const workflow = requests && create(WorkflowSchema, { effects: requests });
        const message = create(ActorInvocationResponseSchema, {
          ...parts,
          updatedContext: { ...(state && { state }), tags },
          ...(workflow && { workflow }),
          checkpoint: isCheckpoint,
        });
        const bytes = hostAnswerBytes({
          ...parts,
          state,
          tags,
          workflow: workflow && toBinary(WorkflowSchema, workflow),
          isCheckpoint,
        });
        const read = fromBinary(ActorInvocationResponseSchema, bytes);
        const written = toBinary(ActorInvocationResponseSchema, message);
        expect(toBinary(ActorInvocationResponseSchema, read)).toEqual(written);
        expect(bytes.length).toBe(written.length);
      }),
    );
  });

  test("of a call", () => {
    const parts = fc.record({
      actor: id,
      registerRef: text,
      actionName: text,
      payload,
      isAsync: fc.boolean(),
      scheduledTo: fc.maxSafeNat(),
      metadata: texts,
      caller: optional(id),
      runId: text,
    });
    fc.assert(
      fc.property(parts, (call) => {
        const { isAsync, scheduledTo, caller, runId, actor, ...same } = call;
        const message = create(InvocationRequestSchema, {
          ...same,
          system: { name: actor.system },
          actor: { id: actor },
          async: isAsync,
          scheduledTo: BigInt(scheduledTo),
          ...(caller && { caller }),
        });
        const bytes = callBytes(call);
        const told = toBinary(RunSchema, create(RunSchema, { runId }));
        const read = toBinary(InvocationRequestSchema, fromBinary(InvocationRequestSchema, bytes));
        expect(Buffer.from(read)).toEqual(
          Buffer.concat([toBinary(InvocationRequestSchema, message), told]),
        );
        expect(bytes.length).toBe(read.length);
      }),
    );
  });

  test("of the answer to a call", () => {
    fc.assert(
      fc.property(id, payload, (actor, payload) => {
        const message = create(InvocationResponseSchema, {
          status: { status: Status.OK },
          system: { name: actor.system },
          actor: { id: actor },
          payload,
        });
        expect(callAnswerBytes(actor, payload)).toEqual(
          Buffer.from(toBinary(InvocationResponseSchema, message)),
        );
      }),
    );
  });

  test("of JSON, also after a message that was very large", () => {
    for (const content of ["", "{}", "x".repeat(1_000_000), "[1]"]) {
      const message = create(JSONTypeSchema, { content });
      expect(jsonTypeBytes(content)).toEqual(Buffer.from(toBinary(JSONTypeSchema, message)));
    }
  });
});
