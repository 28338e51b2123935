/** The definitions of a system, and how names find them. */
import type { Activation } from "./activation.ts";
import { findAction } from "../actor-definition.ts";
import type { ActionDefinition, ActorDefinition } from "../actor-definition.ts";
import { ActorPool } from "./actor-pool.ts";
import { ActorType } from "./actor-type.ts";
import type { EngineParts } from "./actor-type.ts";
import { SpawnError } from "../errors.ts";

export class ActorTypes {
  readonly #parts: EngineParts;
  readonly #types = new Map<string, ActorType>();

  /** @throws {SpawnError} `ALREADY_REGISTERED` when two definitions have the same name, `INVALID_ARGUMENT` */
  constructor(definitions: readonly ActorDefinition[], parts: EngineParts) {
    this.#parts = parts;
    for (const definition of definitions) {
      const { name } = definition;
      if (this.#types.has(name)) {
        throw new SpawnError(
          "ALREADY_REGISTERED",
          `the actor ${name} is defined twice in ${parts.system}`,
        );
      }
      this.#add(definition);
    }
  }

  /**
   * Takes a definition: a new one, or one in the place of another.
   *
   * @throws {SpawnError} `ALREADY_REGISTERED` while actors are at work that cannot go on with it,
   * `INVALID_ARGUMENT`
   */
  define(definition: ActorDefinition): ActorType {
    const known = this.#types.get(definition.name);
    if (known?.canBecome(definition) === true) {
      known.become(definition);
      return known;
    }
    if (known?.vacate() === false) {
      throw new SpawnError(
        "ALREADY_REGISTERED",
        `${definition.name} is at work with another kind, version or durability, or without the state that this definition has; repeat it when it has left memory`,
      );
    }
    known?.retire();
    return this.#add(definition);
  }

  /** Forgets a definition; answers whether there was one. @throws {SpawnError} `OVERLOADED` while its actors are at work */
  undefine(name: string): boolean {
    const type = this.#types.get(name);
    if (type?.vacate() === false) {
      throw new SpawnError("OVERLOADED", `${name} is at work; repeat it when it has left memory`);
    }
    type?.retire();
    return this.#types.delete(name);
  }

  #add(definition: ActorDefinition): ActorType {
    const Type = definition.kind === "pooled" ? ActorPool : ActorType;
    const type = new Type(definition, this.#parts);
    this.#types.set(definition.name, type);
    return type;
  }

  has(definition: string): boolean {
    return this.#types.has(definition);
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
      `${this.#parts.system} has no actor ${JSON.stringify(definition)}`,
    );
  }

  /**
   * The type of the actor `name`.
   *
   * @param definition needed for actors that are not named ones
   * @throws {SpawnError} `ACTOR_NOT_FOUND`
   */
  typeOf(name: string, definition: string | undefined): ActorType {
    if (definition === undefined && !this.has(name)) {
      throw new SpawnError(
        "ACTOR_NOT_FOUND",
        `${this.#parts.system} has no actor ${JSON.stringify(name)}; an instance of an unnamed one is called with its definition`,
      );
    }
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

  /** The type of the actor `name`, and its action. @throws {SpawnError} `ACTOR_NOT_FOUND`, `ACTION_NOT_FOUND` */
  called(
    name: string,
    definition: string | undefined,
    action: string,
  ): { readonly type: ActorType; readonly action: ActionDefinition } {
    const type = this.typeOf(name, definition);
    return { type, action: actionOf(type, action) };
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
