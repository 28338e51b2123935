/** `rpc(Request, Response, run)`: an action whose payload and reply are protobuf messages. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ActionReply, isFailure } from "../engine/index.ts";
import type { ActionFunction, Conversion, Failure } from "../engine/index.ts";
import { describeAction, traitsOf } from "./action.ts";
import type { Context } from "./context.ts";
import { isAsynchronous } from "./in-process-host.ts";
import { messageOfReply, messageOfValue, valueOfMessage } from "./message-values.ts";
import type { Reply } from "./reply.ts";

/** What the action of an {@link rpc} may return. */
type Returned<Output extends DescMessage> =
  | MessageInitShape<Output>
  | Reply<MessageInitShape<Output>, unknown>
  | Failure;

/**
 * An action that receives one message and answers another, as `rpc Add (AddRequest) returns (Total)` says in
 * a `.proto`. Callers give the message, or its fields; programs in other languages send and receive it as
 * it is. The action may return the message, its fields, `reply(…)` or `fail(…)`.
 *
 * ```ts
 * add: rpc(AddRequestSchema, TotalSchema, (ctx, { value }) => {
 *   ctx.state.total += value;
 *   return ctx.state;
 * })
 * ```
 *
 * @param input what `protoc-gen-es` generates for the message
 * @param output the same for the reply
 */
export function rpc<
  Input extends DescMessage,
  Output extends DescMessage,
  State,
  Result extends Returned<Output> | Promise<Returned<Output>>,
>(
  input: Input,
  output: Output,
  run: (context: Context<State>, payload: MessageShape<Input>) => Result,
): (
  context: Context<State>,
  payload: MessageInitShape<Input>,
) => Reply<MessageShape<Output>> | Extract<Awaited<Result>, Failure> {
  const traits = traitsOf(run);
  return describeAction({
    ...traits,
    run: answering(traits.run, output),
    parse(payload) {
      const message = messageOfValue(input, payload, "payload");
      return traits.parse === undefined ? message : traits.parse(message);
    },
    conversion: conversionOf(input, output),
  });
}

function conversionOf(input: DescMessage, output: DescMessage): Conversion {
  return {
    payload: (payload) => valueOfMessage(input, payload, "payload"),
    reply: (reply) => messageOfReply(output, reply),
  };
}

/** The same function, whose result is a value of the engine. An asynchronous one stays one: hosts look. */
function answering(run: ActionFunction, output: DescMessage): ActionFunction {
  if (isAsynchronous(run)) {
    return async (context, payload) => encodeReply(await run(context, payload), output);
  }
  return (context, payload) => {
    const result = run(context, payload);
    return result instanceof Promise
      ? result.then((value) => encodeReply(value, output))
      : encodeReply(result, output);
  };
}

function encodeReply(result: unknown, output: DescMessage): unknown {
  if (isFailure(result)) return result;
  return result instanceof ActionReply
    ? result.with(valueOfMessage(output, result.value, "reply"))
    : valueOfMessage(output, result, "reply");
}
