/**
 * The one field whose meaning changed: `Metadata.channel_group` (1).
 *
 * Older SDKs declare it as one string, the topic; newer ones as a list of `Channel` messages. Both are
 * length-delimited, so only the content tells. What is no `Channel` is rewritten as one, in the bytes,
 * before anything is decoded; everything else stays byte for byte.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ChannelSchema } from "./gen/spawn/actors/actor_pb.ts";

/** The fields of a message that lead to a `channel_group`, by number. */
interface Route {
  readonly [field: number]: Route | typeof CHANNEL;
}

const CHANNEL = "channel";

const metadata: Route = { 1: CHANNEL };
const actor: Route = { 6: metadata };
const actors: Route = { 2: actor }; // An entry of a map has its value in field 2.
const actorSystem: Route = { 2: { 1: actors } };
const invocationRequest: Route = { 1: actorSystem, 2: actor };
const sideEffect: Route = { 1: invocationRequest };
const workflow: Route = { 1: sideEffect };

const routes: ReadonlyMap<string, Route> = new Map([
  ["spawn.RegistrationRequest", { 2: actorSystem }],
  ["spawn.InvocationRequest", invocationRequest],
  ["spawn.ActorInvocationResponse", { 5: workflow }],
  ["spawn.InvocationResponse", { 2: actorSystem, 3: actor }],
]);

/** The bytes of a message of this type, with every `channel_group` as `Channel`; the same if it was. */
export function withChannels(typeName: string, bytes: Uint8Array): Uint8Array {
  const route = routes.get(typeName);
  const hasSome = route !== undefined && hasChannel(new BinaryReader(bytes), bytes.length, route);
  return hasSome ? rewrite(bytes, route) : bytes;
}

/** Whether there is a `channel_group` up to `end`: nearly no message has one, and none is cut up for that. */
function hasChannel(reader: BinaryReader, end: number, route: Route): boolean {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    const next = route[field];
    const endOfContent = reader.uint32() + reader.pos;
    if (next === CHANNEL) return true;
    if (next !== undefined && hasChannel(reader, endOfContent, next)) return true;
    reader.pos = endOfContent;
  }
  return false;
}

function rewrite(bytes: Uint8Array, route: Route): Uint8Array {
  const reader = new BinaryReader(bytes);
  let writer: BinaryWriter | undefined;
  let written = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    const next = wireType === WireType.LengthDelimited ? route[field] : undefined;
    if (next === undefined) {
      reader.skip(wireType, field);
      continue;
    }
    const content = reader.bytes();
    const rewritten = next === CHANNEL ? asChannel(content) : rewrite(content, next);
    if (rewritten === content) continue;
    writer ??= new BinaryWriter();
    writer.raw(bytes.subarray(written, start)).tag(field, wireType).bytes(rewritten);
    written = reader.pos;
  }
  return writer === undefined ? bytes : writer.raw(bytes.subarray(written)).finish();
}

function asChannel(content: Uint8Array): Uint8Array {
  if (isChannel(content)) return content;
  const topic = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  return toBinary(ChannelSchema, create(ChannelSchema, { topic }));
}

/** Whether the bytes are nothing but the two strings of a `Channel`: text may pass for unknown fields. */
function isChannel(content: Uint8Array): boolean {
  try {
    const reader = new BinaryReader(content);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited || field > 2) return false;
      reader.string(true);
    }
    return true;
  } catch {
    return false;
  }
}
