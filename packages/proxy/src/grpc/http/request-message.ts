/**
 * The message that an HTTP request means: its body first, then what its path and its query say.
 *
 * Everything goes through protobuf's own JSON reader, so a field takes over HTTP what it takes in JSON.
 * What is not understood is refused rather than ignored: a misspelt field is an answer, not a surprise.
 */
import {
  create,
  fromJsonString,
  mergeFromJson,
  type DescField,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { SpawnError } from "spawn-mesh/engine";
import { findFields, type HttpBinding } from "./http-bindings.ts";
import { isListOfValues, isOneValue, parameterValue } from "./parameter-values.ts";
import type { PathVariables } from "./path-template.ts";

export interface HttpRequestParts {
  readonly variables: PathVariables;
  /** What follows the question mark, as it came. */
  readonly query: string;
  /** As it came; empty: there is none. */
  readonly body: string;
}

/** A field that is named outside of the body. */
interface Parameter {
  readonly from: "path" | "query";
  readonly name: string;
  readonly texts: readonly string[];
}

/** @throws {SpawnError} `INVALID_ARGUMENT` naming the parameter or the part of the body that is wrong */
export function requestMessage(
  binding: HttpBinding,
  { variables, query, body }: HttpRequestParts,
  registry: Registry,
): Message {
  const message = told("the body", () => bodyMessage(binding, body, registry));
  const given = new Set<string>();
  for (const parameter of [...inPath(variables), ...inQuery(query)]) {
    told(`the parameter ${JSON.stringify(parameter.name.slice(0, 100))}`, () => {
      const fields = parameterFields(binding, parameter);
      const path = fields.map(({ name }) => name).join(".");
      if (given.has(path)) throw new Error("it is given twice");
      given.add(path);
      const json = nested(fields, valueOf(fields.at(-1), parameter.texts));
      mergeFromJson(binding.served.method.input, message, json, { registry });
    });
  }
  return message;
}

function bodyMessage({ served, body }: HttpBinding, text: string, registry: Registry): Message {
  const { input } = served.method;
  if (text === "") return create(input);
  if (body === undefined) throw new Error("this method takes none");
  refuseInexactNumbers(text);
  if (body === "message") return fromJsonString(input, text, { registry });
  // Checked by itself first, or it could close the object around it and name other fields.
  JSON.parse(text);
  return fromJsonString(input, `{${JSON.stringify(body.jsonName)}:${text}}`, { registry });
}

/** Numbers of JSON are doubles here. A whole one that would arrive as another has to be a text. */
function refuseInexactNumbers(text: string): void {
  if (!/[0-9]{16}/.test(text)) return;
  JSON.parse(text, (_key: string, value: unknown, { source = "" }: NumberSource = {}) => {
    const isLong = /^-?[0-9]{16,}$/.test(source) && typeof value === "number";
    if (isLong && String(value) !== source) {
      throw new Error(`${source} is not exact as a number of JSON; write it in quotes`);
    }
    return value;
  });
}

/** What a reviver learns of a number: its digits. */
interface NumberSource {
  readonly source?: string;
}

/** The fields along the name of a parameter, the last of which takes its value. */
function parameterFields(
  { body, served }: HttpBinding,
  { from, name }: Parameter,
): readonly DescField[] {
  const { input } = served.method;
  const fields = findFields(input, name);
  if (fields === undefined) throw new Error(`${input.typeName} has no such field`);
  if (from === "path") return fields;
  if (body === "message") throw new Error("this method takes all but its path in the body");
  if (body !== undefined && fields[0] === body) throw new Error("this field is the body");
  return fields;
}

function valueOf(field: DescField | undefined, texts: readonly string[]): JsonValue {
  if (field !== undefined && isListOfValues(field)) {
    return texts.map((text) => parameterValue(field, text));
  }
  const [text, ...more] = texts;
  if (field === undefined || text === undefined || !isOneValue(field)) {
    throw new Error("a message or a map is no parameter; give its fields, or use the body");
  }
  if (more.length > 0) throw new Error("it is given twice");
  return parameterValue(field, text);
}

function nested(fields: readonly DescField[], value: JsonValue): JsonValue {
  return fields.reduceRight<JsonValue>((within, { jsonName }) => {
    const object: JsonObject = Object.create(null);
    object[jsonName] = within;
    return object;
  }, value);
}

function inPath(variables: PathVariables): readonly Parameter[] {
  return [...variables].map(([name, text]) => ({ from: "path", name, texts: [text] }));
}

/** The parameters of a query, each with all its values. */
function inQuery(query: string): readonly Parameter[] {
  const parameters = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [name = "", text = ""] = splitAt(pair, "=").map(decode);
    const texts = parameters.get(name);
    if (texts === undefined) parameters.set(name, [text]);
    else texts.push(text);
  }
  return [...parameters].map(([name, texts]) => ({ from: "query", name, texts }));
}

function splitAt(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}

function decode(text: string): string {
  return told(`${JSON.stringify(text.slice(0, 100))} in the query`, () =>
    decodeURIComponent(text.replaceAll("+", " ")),
  );
}

function told<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = String(error instanceof Error ? error.message : error)
      .slice(0, 300)
      .toWellFormed();
    throw new SpawnError("INVALID_ARGUMENT", `${what} cannot be used: ${why}`, { cause: error });
  }
}
