/**
 * A registered actor as it is kept. Hosts register once, when they start; a proxy that starts again beside
 * one that goes on has to know what it was told before.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ActorSchema, RegistrationRequestSchema, readRegistration } from "spawn-mesh/protocol";
import type { RegisteredActor, Spelling } from "spawn-mesh/protocol";
import type { ActorHosts } from "../host/actor-hosts.ts";
import type { HostPlace } from "../host/host-program.ts";
import type { RegisteredHost, RegisteredHosts } from "./hosted-definition.ts";

/** A JSON value. */
export interface KeptRegistration {
  /** The key in the registry. */
  readonly key: string;
  /** The bytes of the `Actor`, as base64. */
  readonly actor: string;
  /** Who runs it, the one first that is asked first. */
  readonly hosts: readonly KeptHost[];
  /** The identity that registered it last. */
  readonly by: string;
}

type KeptHost = HostPlace & {
  readonly spelling: Spelling;
  readonly actions: readonly string[];
  readonly isIndexed: boolean;
};

export function keptRegistration(
  { key, id, settings, definition }: RegisteredActor,
  { hosts, by }: { readonly hosts: RegisteredHosts; readonly by: string },
): KeptRegistration {
  const actor = toBinary(ActorSchema, { ...definition, id, settings });
  return {
    key,
    actor: Buffer.from(actor).toString("base64"),
    hosts: hosts.map(({ host: { place, spelling }, actions, isIndexed }) => ({
      ...place,
      spelling,
      actions: [...actions],
      isIndexed,
    })),
    by,
  };
}

/** What was registered. @throws when it was kept by a program that does it in another way */
export function registrationOf(
  { key, actor, hosts: [first, ...others] }: KeptRegistration,
  { system, hosts }: { readonly system: string; readonly hosts: ActorHosts },
): { readonly registered: RegisteredActor; readonly hosts: RegisteredHosts } {
  const definition = fromBinary(ActorSchema, Buffer.from(actor, "base64"));
  const registry = { actors: { [key]: definition } };
  const actorSystem = { name: system, registry };
  const { actors } = readRegistration(create(RegistrationRequestSchema, { actorSystem }));
  const known = ({ spelling, actions, isIndexed, ...place }: KeptHost): RegisteredHost => {
    const found = hosts.at(place);
    found.spelling = spelling;
    return { host: found, actions: new Set(actions), isIndexed };
  };
  return { registered: actors[0]!, hosts: [known(first!), ...others.map(known)] };
}
