/** Decoding of what other programs send: every generation of the protocol, and an error for the rest. */
import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { describeThrown, SpawnError } from "../engine/errors.ts";
import { usualMessage } from "./usual-messages.ts";
import { withChannels } from "./channel-groups.ts";

/**
 * The message in `bytes`. Fields and enum values that are not known are kept, missing messages stay
 * missing, and a `channel_group` of any generation is a list of `Channel`.
 *
 * `bytes` fields of the result are views of `bytes`: copy what has to live longer.
 *
 * @throws SpawnError `INVALID_ARGUMENT` when the bytes are no such message.
 */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  const usual = usualMessage(schema.typeName, bytes);
  if (usual !== undefined) return usual as MessageShape<Desc>;
  try {
    return fromBinary(schema, withChannels(schema.typeName, bytes));
  } catch (error) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${bytes.length} bytes are no ${schema.typeName}: ${describeThrown(error)}. Send the message in protobuf's binary encoding.`,
      { cause: error },
    );
  }
}
