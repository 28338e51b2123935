/**
 * Values as text: payloads, replies and what else of them is stored.
 *
 * Nearly all values are JSON values, and their text is JSON. An opaque value is one that is carried for
 * somebody else and never looked into, such as the message of a host in another language. Its text is
 * none that JSON has, so nobody takes the one for the other.
 */

/** Bytes with a type that only sender and receiver understand. Never changed once made. */
export class OpaqueValue {
  /** To whoever has protobuf it is an `Any`: `anyUnpack` takes it as it is. */
  readonly $typeName = "google.protobuf.Any" as const;
  /** What the bytes are, in the words of those who understand them. */
  readonly type: string;
  readonly bytes: Uint8Array;

  constructor(type: string, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }

  get typeUrl(): string {
    return this.type;
  }

  get value(): Uint8Array {
    return this.bytes;
  }
}

/** No JSON text begins like this. */
const OPAQUE = "any ";

/** The text of a value. Opaque ones are `any "TYPE" BASE64`: one line without NUL, which every database takes. */
export function textOfValue(value: unknown): string {
  return value instanceof OpaqueValue ? textOfOpaque(value) : JSON.stringify(value);
}

/** Whether a text is that of an opaque value, and no JSON. */
export function isOpaqueText(text: string): boolean {
  return text.startsWith(OPAQUE);
}

/** The value of a text. @throws when it is none that {@link textOfValue} makes */
export function valueOfText(text: string): unknown {
  return isOpaqueText(text) ? opaqueOfText(text) : JSON.parse(text);
}

function textOfOpaque({ type, bytes }: OpaqueValue): string {
  const { buffer, byteOffset, byteLength } = bytes;
  const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  return `${OPAQUE}${JSON.stringify(type)} ${base64}`;
}

function opaqueOfText(text: string): OpaqueValue {
  const end = text.lastIndexOf(" ");
  const type: unknown = JSON.parse(text.slice(OPAQUE.length, end));
  if (typeof type !== "string") throw new TypeError("an opaque value without a type");
  return new OpaqueValue(type, Buffer.from(text.slice(end + 1), "base64"));
}
