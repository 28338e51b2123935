/** Texts from paths and queries as the JSON that protobuf's own reader takes for the field. */
import { ScalarType, type DescField, type DescMessage, type JsonValue } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Messages that JSON writes as one text. */
const textMessages: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
]);

/** Whether one text can be the value of the field. */
export function isOneValue(field: DescField): boolean {
  if (field.fieldKind === "message") return isTextual(field.message);
  return field.fieldKind === "scalar" || field.fieldKind === "enum";
}

/** Whether texts, each a value, can be the items of the field. */
export function isListOfValues(field: DescField): boolean {
  if (field.fieldKind !== "list") return false;
  return field.listKind !== "message" || isTextual(field.message);
}

function isTextual(message: DescMessage): boolean {
  return textMessages.has(message.typeName) || isWrapperDesc(message);
}

/** @throws Error for a text that is no value of the field, or a field that takes no text */
export function parameterValue(field: DescField, text: string): JsonValue {
  // An enum value goes by its name or its number.
  if (field.enum !== undefined) return /^-?[0-9]{1,10}$/.test(text) ? Number(text) : text;
  if (field.scalar !== undefined) return scalarValue(field.scalar, text);
  if (field.message !== undefined && isWrapperDesc(field.message)) {
    return scalarValue(field.message.fields[0]?.scalar ?? ScalarType.STRING, text);
  }
  return text;
}

/** JSON takes texts for numbers of every kind, but not for booleans. */
function scalarValue(type: ScalarType, text: string): JsonValue {
  if (type !== ScalarType.BOOL) return text;
  if (text === "true") return true;
  if (text === "false") return false;
  throw new Error(`expected true or false, got ${JSON.stringify(text)}`);
}
