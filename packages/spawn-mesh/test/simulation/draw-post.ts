/** Draws what the actors that send messages are told to do. */
import type { SendOptions } from "../../src/engine/sending.ts";
import type { Choices } from "./choices.ts";
import { postModes } from "./posts.ts";
import type { Errand, Place, PostMode, PostPayload } from "./posts.ts";
import type { Profile } from "./profile.ts";
import type { PostRole } from "./run-log.ts";

const REPEAT_MS = [500, 1_000, 2_500] as const;
/** Among them is the time for which the process that sends a message has it for itself. */
const DELAYS_MS = [0, 30, 300, 1_500, 5_000] as const;
const hopeless: ReadonlySet<PostMode> = new Set(["throw", "spoil", "deadly"]);
const BAD_MODES = [
  ...postModes.filter((mode) => mode !== "plain" && mode !== "deadly"),
  // More often those that are over without a commit of their target.
  "fail",
  "fail",
] as const satisfies readonly PostMode[];

/** Messages in a run that come again and again, and those that never succeed. */
const REPEATED_MAX = 4;
const HOPELESS_MAX = 4;

export interface Drawing {
  readonly choices: Choices;
  readonly profile: Profile;
  /** How many messages come again, and how many never succeed. */
  readonly drawn: { repeated: number; hopeless: number };
}

/** What a client asks for. */
export function drawPost(drawing: Drawing, value: string): PostPayload {
  const { choices, profile } = drawing;
  const { errandsMax, routeShare, badShare } = profile.messages;
  const isRouted = choices.chance(routeShare);
  const drawn = drawPayload(drawing, value, { depth: 0, errandsMax });
  const mode: PostMode = choices.chance(badShare / 4) ? choices.pick(BAD_MODES) : "plain";
  return { ...drawn, mode, route: isRouted ? drawRoute(drawing) : [] };
}

/** An actor that takes messages. */
export function drawPlace({ choices, profile }: Drawing): Place {
  const { statelessShare, behindShare } = profile.messages;
  let role: PostRole = "post";
  if (choices.chance(statelessShare)) role = "post-stateless";
  else if (choices.chance(behindShare)) role = "post-behind";
  return { role, name: `m${choices.between(1, profile.actors)}` };
}

/** Whether and how a message is sent once or again and again, at once or later. */
export function drawOptions({ choices, profile, drawn }: Drawing): SendOptions {
  const { laterShare, repeatShare, unorderedShare, fireShare } = profile.messages;
  if (drawn.repeated < REPEATED_MAX && choices.chance(repeatShare)) {
    drawn.repeated++;
    const catchUp = choices.pick(["skip", "one", "all"] as const);
    return { everyMs: choices.pick(REPEAT_MS), catchUp };
  }
  if (choices.chance(laterShare)) return { delayMs: choices.pick(DELAYS_MS) };
  if (choices.chance(fireShare)) return { reliability: "fire" };
  return choices.chance(unorderedShare) ? { ordered: false } : {};
}

function drawPayload(
  drawing: Drawing,
  value: string,
  { depth, errandsMax }: { readonly depth: number; readonly errandsMax: number },
): PostPayload {
  const { choices, profile } = drawing;
  const { badShare, deadlyShare, broadcastShare, depthMax } = profile.messages;
  let mode: PostMode = "plain";
  if (depth > 0 && choices.chance(badShare)) mode = choices.pick(BAD_MODES);
  if (depth > 0 && choices.chance(deadlyShare)) mode = "deadly";
  if (hopeless.has(mode) && ++drawing.drawn.hopeless > HOPELESS_MAX) mode = "moody";
  const count = depth < depthMax ? choices.between(depth === 0 ? 1 : 0, errandsMax) : 0;
  // Often all to one, so that there is an order to keep.
  const target = choices.chance(0.6) ? drawPlace(drawing) : undefined;
  const errands = Array.from({ length: count }, (_, index): Errand => {
    const options = drawOptions(drawing);
    const mark = options.reliability === "fire" ? "!" : "";
    const below = { depth: depth + 1, errandsMax: mark === "" ? Math.min(2, errandsMax) : 0 };
    const payload = drawPayload(drawing, `${value}/${index + 1}${mark}`, below);
    const isLater = options.delayMs !== undefined;
    const isPlain = options.everyMs !== undefined || mark !== "";
    return {
      to: target ?? drawPlace(drawing),
      options,
      payload: isPlain ? plain(payload) : { ...payload, isLater },
    };
  });
  const isTold = depth === 0 && choices.chance(broadcastShare);
  const told = isTold ? [plain({ ...EMPTY, value: `${value}/0` })] : [];
  return { ...EMPTY, value, mode, ms: choices.between(1, 300), errands, broadcasts: told };
}

const EMPTY = {
  mode: "plain",
  ms: 0,
  isLater: false,
  errands: [],
  route: [],
  broadcasts: [],
} as const;

function plain({ value }: { readonly value: string }): PostPayload {
  return { ...EMPTY, value };
}

function drawRoute(drawing: Drawing): PostPayload["route"] {
  const { choices } = drawing;
  return Array.from({ length: choices.between(1, 3) }, () => ({
    kind: choices.pick(["pipe", "forward"] as const),
    to: drawPlace(drawing),
  }));
}
