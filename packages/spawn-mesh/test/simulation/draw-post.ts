/** Draws what the actors that send messages are told to do. */
import type { ActorId } from "../../src/engine/actor-id.ts";
import { storedId } from "../../src/engine/messages/message-ids.ts";
import type { SendOptions } from "../../src/engine/messages/send-options.ts";
import type { Choices } from "./choices.ts";
import { EMPTY, postModes } from "./posts.ts";
import type { Errand, Place, PostMode, PostPayload } from "./posts.ts";
import type { Profile } from "./profile.ts";
import type { PostRole } from "./run-log.ts";

const REPEAT_CRON = ["* * * * * *", "*/2 * * * * *", "*/3 * * * * *"] as const;
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

/** A message that an actor was told to send, with the id that it gives it. */
export interface Cancellable {
  readonly by: Place;
  readonly value: string;
}

export interface Drawing {
  readonly choices: Choices;
  readonly profile: Profile;
  /** How many messages come again, and how many never succeed. */
  readonly drawn: { repeated: number; hopeless: number };
}

/** What a client asks the actor `at` for. */
export function drawPost(drawing: Drawing, value: string, at: Place): PostPayload {
  const { choices, profile } = drawing;
  const { errandsMax, routeShare, badShare } = profile.messages;
  const isRouted = choices.chance(routeShare);
  const drawn = drawPayload(drawing, value, { at, depth: 0, errandsMax });
  const mode: PostMode = choices.chance(badShare / 4) ? choices.pick(BAD_MODES) : "plain";
  return { ...drawn, mode, route: isRouted ? drawRoute(drawing) : [] };
}

/** What an actor is asked for that deletes itself with every fourth of these; it may tell itself, or another one, what next. */
export function drawMortalPost(drawing: Drawing, value: string, at: Place): PostPayload {
  const { choices } = drawing;
  const drawn = drawPost(drawing, value, at);
  const isLast = choices.chance(0.25);
  if (!choices.chance(0.3)) return { ...drawn, isLast };
  const to = choices.chance(0.5) ? at : { ...at, name: "e1" };
  const payload = { ...EMPTY, value: `${value}/next`, isLast: choices.chance(0.25) };
  return { ...drawn, isLast, errands: [...drawn.errands, { to, options: {}, payload }] };
}

/** The actor that sent the message is told to cancel it, or another one that knows its id. */
export function drawCancel(
  drawing: Drawing,
  value: string,
  { by, value: unwanted }: Cancellable,
): { readonly at: Place; readonly payload: PostPayload } {
  const isOwn = drawing.choices.chance(0.7);
  const id = isOwn ? unwanted : storedId(actorIdOf(by), unwanted);
  const payload = { ...EMPTY, value, cancels: [{ value: unwanted, id }] };
  return { at: isOwn ? by : drawPlace(drawing), payload };
}

/** The messages that may be cancelled of those that an actor sends when it is told this. */
export function cancellableOf(by: Place, { errands }: PostPayload): readonly Cancellable[] {
  return errands
    .filter(({ options }) => options.id !== undefined)
    .map(({ payload }) => ({ by, value: payload.value }));
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
    return choices.chance(0.3)
      ? { cron: choices.pick(REPEAT_CRON), catchUp }
      : { everyMs: choices.pick(REPEAT_MS), catchUp };
  }
  if (choices.chance(laterShare)) return { delayMs: choices.pick(DELAYS_MS) };
  if (choices.chance(fireShare)) return { reliability: "fire" };
  return choices.chance(unorderedShare) ? { ordered: false } : {};
}

function drawPayload(
  drawing: Drawing,
  value: string,
  {
    at,
    depth,
    errandsMax,
  }: { readonly at: Place; readonly depth: number; readonly errandsMax: number },
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
  const errands = Array.from({ length: count }, (_, index) =>
    drawErrand(drawing, {
      value: `${value}/${index + 1}`,
      by: at,
      to: target ?? drawPlace(drawing),
      depth: depth + 1,
      errandsMax: Math.min(2, errandsMax),
    }),
  );
  const outside = drawOutside(drawing, `${value}/x`, depth);
  const isTold = depth === 0 && choices.chance(broadcastShare);
  const broadcasts = isTold ? [{ ...EMPTY, value: `${value}/0` }] : [];
  return { ...EMPTY, value, mode, ms: choices.between(1, 300), errands, broadcasts, outside };
}

function drawErrand(
  drawing: Drawing,
  about: {
    readonly value: string;
    readonly by: Place;
    readonly to: Place;
    readonly depth: number;
    readonly errandsMax: number;
  },
): Errand {
  const { choices, profile } = drawing;
  const { by, to, depth, errandsMax } = about;
  const drawn = drawOptions(drawing);
  if (drawn.reliability === "fire")
    return { to, options: drawn, payload: { ...EMPTY, value: `${about.value}!` } };
  const { value } = about;
  const isNamed = choices.chance(profile.messages.namedShare);
  const options = isNamed ? { ...drawn, id: value } : drawn;
  if (isRepeated(options)) {
    // Now and then one time is enough.
    const isOnce = isNamed && choices.chance(0.3);
    const cancels = isOnce ? [{ value, id: storedId(actorIdOf(by), value) }] : [];
    return { to, options, payload: { ...EMPTY, value, cancels } };
  }
  const payload = drawPayload(drawing, value, { at: to, depth, errandsMax });
  return { to, options, payload: { ...payload, isLater: options.delayMs !== undefined } };
}

function drawOutside(drawing: Drawing, value: string, depth: number): readonly PostPayload[] {
  const { choices, profile } = drawing;
  const { externalShare, badShare, deadlyShare } = profile.messages;
  if (!choices.chance(depth === 0 ? externalShare : externalShare / 4)) return [];
  let mode: PostMode = choices.chance(Math.max(badShare, 0.1)) ? choices.pick(BAD_MODES) : "plain";
  if (choices.chance(deadlyShare)) mode = "deadly";
  if (hopeless.has(mode) && ++drawing.drawn.hopeless > HOPELESS_MAX) mode = "moody";
  return [{ ...EMPTY, value, mode, ms: choices.between(1, 300) }];
}

export function isRepeated({ everyMs, cron }: SendOptions): boolean {
  return everyMs !== undefined || cron !== undefined;
}

function actorIdOf({ role, name }: Place): ActorId {
  return { system: "simulation", definition: role, name };
}

function drawRoute(drawing: Drawing): PostPayload["route"] {
  const { choices } = drawing;
  return Array.from({ length: choices.between(1, 3) }, () => ({
    kind: choices.pick(["pipe", "forward"] as const),
    to: drawPlace(drawing),
  }));
}
