/** Finds the method that a path and a verb mean. */
import { SpawnError } from "spawn-mesh/engine";
import type { ServedMethod } from "../served-method.ts";
import { httpBindings, type HttpBinding } from "./http-bindings.ts";
import { matchPath, moreSpecificFirst, shapeOf, type PathVariables } from "./path-template.ts";

export interface Route {
  readonly binding: HttpBinding;
  readonly variables: PathVariables;
}

const ANY_METHOD = "*";

export class HttpRoutes {
  readonly #bindings: readonly HttpBinding[];

  /** @throws {SpawnError} `INVALID_ARGUMENT` for a rule that makes no sense, or two of the same paths */
  constructor(served: readonly ServedMethod[]) {
    this.#bindings = served
      .flatMap(httpBindings)
      .toSorted((a, b) => moreSpecificFirst(a.template, b.template));
    refuseAmbiguity(this.#bindings);
  }

  /** The route of a request; without one, the verbs with which the path would have had one. */
  find(httpMethod: string, path: string): Route | { readonly allowed: readonly string[] } {
    const allowed = new Set<string>();
    for (const binding of this.#bindings) {
      const isMeant = binding.httpMethod === httpMethod || binding.httpMethod === ANY_METHOD;
      if (!isMeant && allowed.has(binding.httpMethod)) continue;
      const variables = matchPath(binding.template, path);
      if (variables === undefined) continue;
      if (isMeant) return { binding, variables };
      allowed.add(binding.httpMethod);
    }
    return { allowed: [...allowed] };
  }
}

function refuseAmbiguity(bindings: readonly HttpBinding[]): void {
  const owners = new Map<string, HttpBinding>();
  for (const binding of bindings) {
    const { httpMethod, template } = binding;
    const key = `${httpMethod} ${shapeOf(template)}`;
    const other = owners.get(key);
    if (other !== undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${fullName(other)} and ${fullName(binding)} both answer ${httpMethod} ${template.text}`,
      );
    }
    owners.set(key, binding);
  }
}

function fullName({ served: { method } }: HttpBinding): string {
  return `${method.parent.typeName}.${method.name}`;
}
