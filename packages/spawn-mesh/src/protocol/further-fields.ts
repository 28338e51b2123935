/** The fields of a message that are none of the protocol: what our SDK says besides. */
import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { decodeMessage } from "./decode-message.ts";

/**
 * They are read as a message of their own; `undefined` when there are none.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when they have the numbers of ours and are something else
 */
export function furtherFields<Desc extends DescMessage>(
  schema: Desc,
  { $unknown: fields }: Message,
): MessageShape<Desc> | undefined {
  if (fields === undefined) return undefined;
  const bytes = new BinaryWriter();
  for (const { no, wireType, data } of fields) bytes.tag(no, wireType).raw(data);
  return decodeMessage(schema, bytes.finish());
}
