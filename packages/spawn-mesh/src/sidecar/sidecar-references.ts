/** Typed references whose calls go through a sidecar. */
import type { ActorDefinition, ReferenceCall } from "../engine/index.ts";
import { definitionOfActor } from "../sdk/actor.ts";
import type { AnyActor } from "../sdk/actor.ts";
import { nameOf } from "../sdk/actor-name.ts";
import { referenceType } from "../sdk/actor-ref.ts";
import type { CallTarget, ReferenceType } from "../sdk/actor-ref.ts";

/** A definition, as references know it. */
interface DefinedType {
  readonly definition: ActorDefinition;
}

export class SidecarReferences {
  readonly #types = new Map<AnyActor, ReferenceType<DefinedType>>();

  /**
   * A reference whose methods do what `call` does.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`
   */
  to(defined: AnyActor, name: string | undefined, call: ReferenceCall): object {
    const Reference = this.#typeOf(defined);
    const target: CallTarget<DefinedType> = {
      call: ({ type, name: instance, action, payload, options }) =>
        call(instance, {
          ...options,
          definition: type.definition.name,
          action: action.name,
          payload,
        }),
    };
    return new Reference(target, nameOf(defined, name));
  }

  #typeOf(defined: AnyActor): ReferenceType<DefinedType> {
    const known = this.#types.get(defined);
    if (known !== undefined) return known;
    const type = referenceType({ definition: definitionOfActor(defined) });
    this.#types.set(defined, type);
    return type;
  }
}
