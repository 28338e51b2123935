/**
 * Values as JSON for those who read nothing else. A protobuf message that nobody here can look into is
 * `{ "@type": "type.googleapis.com/shop.Cart", "value": "BASE64" }`.
 */
import { OpaqueValue } from "../engine/values/value-text.ts";

const TYPE = "@type";

/** A value of the engine as JSON. */
export function jsonOfValue(value: unknown): unknown {
  if (!(value instanceof OpaqueValue)) return value;
  return { [TYPE]: value.type, value: Buffer.from(value.bytes).toString("base64") };
}

/** JSON as a value of the engine. */
export function valueOfJson(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !(TYPE in json)) return json;
  const { [TYPE]: type, value, ...more } = json as { readonly [field: string]: unknown };
  const isOpaque = typeof type === "string" && typeof value === "string";
  if (!isOpaque || Object.keys(more).length > 0) return json;
  return new OpaqueValue(type, Buffer.from(value, "base64"));
}
