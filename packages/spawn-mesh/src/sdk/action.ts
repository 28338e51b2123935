/** What an action is, and the two things that can be said about one: that it only reads, and what it accepts. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { SpawnError } from "../engine/index.ts";
import type { ActionDefinition, ActionFunction, Conversion } from "../engine/index.ts";
import type { Context, ReadContext } from "./context.ts";

/** Any action of an actor with this state. */
// oxlint-disable-next-line typescript/no-explicit-any -- payload and reply are inferred from each action
export type Action<State> = (context: Context<State>, payload: any) => any;

/** The actions of an actor by name. */
export type Actions<State> = Readonly<Record<string, Action<State>>>;

/** What `read` and `input` say about a function, kept beside it. */
export interface ActionTraits {
  readonly isRead: boolean;
  readonly parse: ActionDefinition["parse"];
  readonly conversion: Conversion | undefined;
  /** The function that was written. */
  readonly run: ActionFunction;
}

const traits = new WeakMap<object, ActionTraits>();

const noTraits = { isRead: false, parse: undefined, conversion: undefined };

/** What is known about an action. */
export function traitsOf(action: object): ActionTraits {
  return traits.get(action) ?? { ...noTraits, run: action as ActionFunction };
}

/**
 * Marks an action that changes nothing. It runs in its turn like every other one; with nothing in
 * flight it costs no access to the statestore. A read that changes the state fails with `ACTION_FAILED`.
 */
export function read<State, Payload, Reply>(
  run: (context: ReadContext<State>, payload: Payload) => Reply,
): (context: Context<State>, payload: Payload) => Reply {
  return describeAction<(context: Context<State>, payload: Payload) => Reply>({
    ...traitsOf(run),
    isRead: true,
  });
}

/**
 * Checks the payload with a Standard Schema (zod, valibot, arktype, …) before the action runs, and
 * gives the action what the schema makes of it. A payload that does not fit is refused with
 * `INVALID_ARGUMENT`. The schema has to answer synchronously.
 *
 * @see https://standardschema.dev
 */
export function input<Schema extends StandardSchemaV1, State, Reply>(
  schema: Schema,
  run: (context: Context<State>, payload: StandardSchemaV1.InferOutput<Schema>) => Reply,
): (context: Context<State>, payload: StandardSchemaV1.InferInput<Schema>) => Reply {
  return describeAction<
    (context: Context<State>, payload: StandardSchemaV1.InferInput<Schema>) => Reply
  >({
    ...traitsOf(run),
    parse: (payload) => parseWith(schema, payload, "payload"),
  });
}

/** A new function for the described action, so that the one that was written stays what it is. */
export function describeAction<Described extends object>(described: ActionTraits): Described {
  const { run } = described;
  const action: ActionFunction = (context, payload) => run(context, payload);
  traits.set(action, described);
  return action as unknown as Described;
}

/**
 * Checks `value` with a Standard Schema.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` with every issue and its path
 */
export function parseWith(schema: StandardSchemaV1, value: unknown, what: string): unknown {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${what}: the schema answers asynchronously, expected one that answers at once`,
    );
  }
  if (result.issues === undefined) return result.value;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    result.issues.map((issue) => `${what}${pathOf(issue)}: ${issue.message}`).join("; "),
  );
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  const keys = (issue.path ?? []).map((segment) =>
    typeof segment === "object" ? segment.key : segment,
  );
  return keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
}
