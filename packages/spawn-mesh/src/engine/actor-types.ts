/** The definitions of a system, and how names find them. */
import type { Activation } from "./activation.ts";
import { findAction } from "./actor-definition.ts";
import type { ActionDefinition, ActorDefinition } from "./actor-definition.ts";
import { ActorPool } from "./actor-pool.ts";
import { ActorType } from "./actor-type.ts";
import type { EngineParts } from "./actor-type.ts";
import { SpawnError } from "./errors.ts";

export class ActorTypes {
  readonly #system: string;
  readonly #types = new Map<string, ActorType>();

  /** @throws {SpawnError} `ALREADY_REGISTERED` when two definitions have the same name, `INVALID_ARGUMENT` */
  constructor(definitions: readonly ActorDefinition[], parts: EngineParts) {
    this.#system = parts.system;
    for (const definition of definitions) {
      const { name, kind } = definition;
      if (this.#types.has(name)) {
        throw new SpawnError(
          "ALREADY_REGISTERED",
          `the actor ${name} is defined twice in ${this.#system}`,
        );
      }
      const Type = kind === "pooled" ? ActorPool : ActorType;
      this.#types.set(name, new Type(definition, parts));
    }
  }

  get all(): Iterable<ActorType> {
    return this.#types.values();
  }

  /** All activations of all types. */
  get live(): readonly Activation[] {
    return [...this.#types.values()].flatMap((type) => [...type.live]);
  }

  /** Whether the actor is in memory. */
  isLive(definition: string, name: string): boolean {
    return this.#types.get(definition)?.isLive(name) === true;
  }

  /** The type of that definition. @throws {SpawnError} `ACTOR_NOT_FOUND` */
  get(definition: string): ActorType {
    const type = this.#types.get(definition);
    if (type !== undefined) return type;
    throw new SpawnError(
      "ACTOR_NOT_FOUND",
      `${this.#system} has no actor ${JSON.stringify(definition)}`,
    );
  }

  /**
   * The type of the actor `name`.
   *
   * @param definition needed for actors that are not named ones
   * @throws {SpawnError} `ACTOR_NOT_FOUND`
   */
  typeOf(name: string, definition: string | undefined): ActorType {
    const type = this.get(definition ?? name);
    const { kind } = type.definition;
    if (kind !== "unnamed" && name !== type.definition.name) {
      throw new SpawnError(
        "ACTOR_NOT_FOUND",
        `${type.definition.name} is one actor; it has no instance ${JSON.stringify(name)}`,
      );
    }
    if (kind === "unnamed" && definition === undefined) {
      throw new SpawnError(
        "ACTOR_NOT_FOUND",
        `${name} is an unnamed actor; call an instance of it, with definition: ${JSON.stringify(name)}`,
      );
    }
    return type;
  }
}

/** The action of that name. @throws {SpawnError} `ACTION_NOT_FOUND` with those that there are */
export function actionOf({ definition }: ActorType, name: string): ActionDefinition {
  const action = findAction(definition, name);
  if (action !== undefined) return action;
  const known = [...definition.actions.keys()].join(", ");
  throw new SpawnError(
    "ACTION_NOT_FOUND",
    `${definition.name} has no action ${JSON.stringify(name)}; it has ${known}`,
  );
}
