/** What many messages have: a payload, and actors by their names. */
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ActorId } from "../engine/index.ts";
import type { ActorId as WireActorId } from "./gen/spawn/actors/actor_pb.ts";
import type { Noop } from "./gen/spawn/protocol_pb.ts";

/** The payload of any message that has one: a value, explicitly none, or not set. */
export type WirePayload =
  | { readonly case: "value"; readonly value: Any }
  | { readonly case: "noop"; readonly value: Noop }
  | { readonly case: undefined; readonly value?: undefined };

/** An actor as the wire names it: an instance has its definition as its parent. */
export type WireId = Readonly<Pick<WireActorId, "name" | "system" | "parent">>;

/** An actor as the wire names it: the definition is its parent, unless both have one name. */
export function wireIdOf({ system, definition, name }: ActorId): WireId {
  return { name, system, parent: definition === name ? "" : definition };
}

/** An actor that the wire names. */
export function actorIdOf({ name, system, parent }: WireId): ActorId {
  return { system, definition: parent === "" ? name : parent, name };
}
