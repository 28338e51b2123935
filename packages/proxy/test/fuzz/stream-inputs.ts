/** What is said on a stream: frames whose bodies are wrong, frames that are none, and answers that nobody asked for. */
import { FrameKind } from "spawn-mesh/protocol";
import { frame } from "../fixtures/raw-stream.ts";
import type { Choices } from "./choices.ts";
import type { FuzzInput } from "./inputs.ts";
import { invocation, registration } from "./messages.ts";
import { mutate } from "./mutations.ts";

const FRAMES_MAX = 8;
const IDS = [0, 1, 2, 7, 0xffff_ffff];
const KINDS: readonly number[] = [...Object.values(FrameKind), 0, 4, 99, 255];

export function streamInput(choices: Choices): FuzzInput {
  const count = 1 + choices.below(FRAMES_MAX);
  const said = Buffer.concat(Array.from({ length: count }, () => frameOf(choices)));
  return { kind: "stream", bytes: choices.chance(0.7) ? said : mutate(said, choices) };
}

function frameOf(choices: Choices): Buffer {
  const id = choices.pick(IDS);
  switch (choices.below(8)) {
    case 0:
      return frame(choices.pick(KINDS), id, choices.bytes(choices.below(40)));
    case 1:
      return frame(FrameKind.register, id, mutate(registration(choices), choices));
    case 2:
      return frame(choices.pick([FrameKind.cancel, FrameKind.leaving, FrameKind.beat]), id);
    case 3:
      return frame(choices.pick([FrameKind.done, FrameKind.failed]), id, choices.bytes(30));
    case 4:
      // Good calls come between the bad ones.
      return frame(FrameKind.invoke, id, invocation(choices));
    default:
      return frame(FrameKind.invoke, id, mutate(invocation(choices), choices));
  }
}
