/** The ways in which methods are called over HTTP, as their `google.api.http` options say. */
import { getOption, hasOption, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { SpawnError } from "spawn-mesh/engine";
import { httpOption, type HttpRule } from "spawn-mesh/protocol";
import type { ServedMethod } from "../served-method.ts";
import { isOneValue } from "./parameter-values.ts";
import { parsePathTemplate, type PathTemplate } from "./path-template.ts";

export interface HttpBinding {
  readonly served: ServedMethod;
  /** In capitals, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  /** What the body fills: the whole message, one field, or nothing. */
  readonly body: "message" | DescField | undefined;
  /** The field that is the body of the answer; undefined: the whole message. */
  readonly responseBody: DescField | undefined;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for a rule that makes no sense, naming its method */
export function httpBindings(served: ServedMethod): readonly HttpBinding[] {
  const { method } = served;
  if (!hasOption(method, httpOption)) return [];
  const rule = getOption(method, httpOption);
  try {
    return [rule, ...rule.additionalBindings].map((each) => bind(served, each, rule));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the option (google.api.http) of ${method.parent.typeName}.${method.name} cannot be used: ${why}`,
      { cause: error },
    );
  }
}

function bind(served: ServedMethod, rule: HttpRule, outermost: HttpRule): HttpBinding {
  const { input, output } = served.method;
  if (rule !== outermost && rule.additionalBindings.length > 0) {
    throw new Error("an additional binding has additional bindings of its own");
  }
  const { httpMethod, path } = patternOf(rule);
  const template = parsePathTemplate(path);
  for (const { fieldPath } of template.variables) {
    const field = findFields(input, fieldPath)?.at(-1);
    if (field === undefined) throw new Error(`${input.typeName} has no field ${fieldPath}`);
    if (!isOneValue(field)) throw new Error(`${fieldPath} is no single value, as a path can hold`);
  }
  return {
    served,
    httpMethod,
    template,
    body: rule.body === "*" ? "message" : fieldNamed(input, rule.body),
    responseBody: fieldNamed(output, rule.responseBody),
  };
}

function patternOf({ pattern }: HttpRule): { readonly httpMethod: string; readonly path: string } {
  switch (pattern.case) {
    case undefined:
      throw new Error("it has no pattern; expected one of get, put, post, delete, patch, custom");
    case "custom":
      return { httpMethod: pattern.value.kind.toUpperCase(), path: pattern.value.path };
    case "get":
    case "put":
    case "post":
    case "delete":
    case "patch":
      return { httpMethod: pattern.case.toUpperCase(), path: pattern.value };
  }
}

/** The top-level field of that name; undefined for no name. */
function fieldNamed(message: DescMessage, name: string): DescField | undefined {
  if (name === "") return undefined;
  const field = message.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${message.typeName} has no field ${name}`);
  return field;
}

/** The fields along a path such as `book.shelf.name`, in either spelling; undefined if one is not there. */
export function findFields(message: DescMessage, path: string): readonly DescField[] | undefined {
  const found: DescField[] = [];
  let within: DescMessage | undefined = message;
  for (const name of path.split(".")) {
    const field: DescField | undefined = within?.fields.find(
      (each) => each.name === name || each.jsonName === name,
    );
    if (field === undefined) return undefined;
    found.push(field);
    within = field.fieldKind === "message" ? field.message : undefined;
  }
  return found;
}
