/** What a JSON value is, as far as a type and a look at one object can say. */

/** What may cross the boundary of an actor. Written as a loop of types so that inference stays shallow. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [field: string]: JsonValue | undefined };

/** The deepest nesting of a value. */
export const VALUE_DEPTH_MAX = 256;

/** A plain object of this or another realm: its prototype is null, or has none itself. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}
