/**
 * What a host registers and what a caller asks for, read so that nobody after this has to look whether a
 * part is there: SDKs leave out what they do not use.
 */
import { create } from "@bufbuild/protobuf";
import {
  ActorIdSchema,
  ActorSettingsSchema,
  Kind,
  KindSchema,
  type Actor,
  type ActorId,
  type ActorSettings,
} from "./gen/spawn/actors/actor_pb.ts";
import {
  ServiceInfoSchema,
  type InvocationRequest,
  type RegistrationRequest,
  type ServiceInfo,
} from "./gen/spawn/protocol_pb.ts";

/** What a host registers: who it is, and its actors. */
export interface Registration {
  readonly serviceInfo: ServiceInfo;
  /** Empty when the host gave none. */
  readonly system: string;
  readonly actors: readonly RegisteredActor[];
}

/** One actor of a registration, with its names filled in. */
export interface RegisteredActor {
  /** The key of the registry: what options declared in a `.proto` are looked up by. */
  readonly key: string;
  /** The name is the key, and the system the registration's, where the host left them out. */
  readonly id: ActorId;
  /** A kind that this version does not know is `UNKNOW_KIND`. */
  readonly settings: ActorSettings;
  /** As it came. Whether it has `metadata` at all decides about its activation at registration. */
  readonly definition: Actor;
}

/** Reads a registration in which anything may be missing; an empty one registers nothing. */
export function readRegistration(request: RegistrationRequest): Registration {
  const system = request.actorSystem?.name ?? "";
  const actors = Object.entries(request.actorSystem?.registry?.actors ?? {});
  return {
    serviceInfo: request.serviceInfo ?? create(ServiceInfoSchema),
    system,
    actors: actors.map(([key, definition]) => ({
      key,
      id: completeId(definition.id, { name: key, system }),
      settings: readSettings(definition.settings),
      definition,
    })),
  };
}

/** Whom an invocation is for. Some SDKs name the system only beside the actor. */
export function targetOf(request: InvocationRequest): ActorId {
  return completeId(request.actor?.id, { name: "", system: request.system?.name ?? "" });
}

function completeId(
  id: ActorId | undefined,
  otherwise: { readonly name: string; readonly system: string },
): ActorId {
  return create(ActorIdSchema, {
    name: id?.name || otherwise.name,
    system: id?.system || otherwise.system,
    parent: id?.parent ?? "",
  });
}

function readSettings(settings: ActorSettings | undefined): ActorSettings {
  if (settings === undefined) return create(ActorSettingsSchema);
  const isKnown = KindSchema.value[settings.kind] !== undefined;
  return isKnown ? settings : { ...settings, kind: Kind.UNKNOW_KIND };
}
