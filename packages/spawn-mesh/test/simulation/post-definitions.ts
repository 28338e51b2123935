/** Actors that send and receive messages, and do what their payloads say. */
import type { ActionDefinition, ActorDefinition } from "../../src/engine/actor-definition.ts";
import { sleep } from "../../src/engine/clock.ts";
import { fail } from "../../src/engine/failure.ts";
import type { Host } from "../../src/engine/host.ts";
import { storedId } from "../../src/engine/messages/message-ids.ts";
import type { ActionContext } from "../../src/engine/activations/action-context.ts";
import type { Run } from "../../src/engine/activations/run.ts";
import type { TimerDefinition } from "../../src/engine/messages/timers.ts";
import type { DefinitionParts } from "./definitions.ts";
import { CHANNEL_NAME, EMPTY, isFired, itemOf, OUTSIDE_NAME } from "./posts.ts";
import type { PostPayload } from "./posts.ts";
import type { World } from "./world.ts";

interface PostState {
  items: unknown[];
}

/** A reference to an actor is its definition and name; its one method is what {@link post} is called by. */
export const postHost: Host = {
  run: (action, context, payload) => action(context, payload),
  reference: (definition, name, call) => ({
    post: (payload: unknown) =>
      call(name!, { definition: definition as string, action: "post", payload }),
  }),
};

/** @param common what they have in common with the other actors of the simulation */
export function postDefinitions(
  parts: DefinitionParts,
  common: Omit<ActorDefinition, "name">,
): readonly ActorDefinition[] {
  const { messages } = parts.profile;
  const action: ActionDefinition = {
    name: "post",
    isRead: false,
    parse: undefined,
    run: (context, payload) => post(parts, context, payload as PostPayload),
  };
  const all = { ...common, actions: new Map([["post", action]]) };
  const channels = new Map([[CHANNEL_NAME, "post"]]);
  return [
    { ...all, name: "post", channels, timers: messages.timers.map(timerOf) },
    { ...all, name: "post-behind", channels, durability: "write-behind" },
    { ...all, name: "post-stateless", state: undefined },
    { ...all, name: "post-mortal", timers: [timerOf(AGEING), lastTimerOf(LIFETIME)] },
  ];
}

/** What mortal actors do again and again, and when they end if nobody tells them to before. */
const AGEING = { everyMs: 700, catchUp: "one" } as const;
const LIFETIME = { everyMs: 2_500, catchUp: "one" } as const;

function lastTimerOf(repeat: TimerDefinition["repeat"]): TimerDefinition {
  const payload: PostPayload = { ...EMPTY, value: "last-tick", isLast: true };
  return { action: "post", payload: JSON.stringify(payload), repeat };
}

function timerOf(repeat: TimerDefinition["repeat"]): TimerDefinition {
  const payload: PostPayload = { ...EMPTY, value: `tick-${repeat.catchUp}` };
  return { action: "post", payload: JSON.stringify(payload), repeat };
}

function post(parts: DefinitionParts, context: ActionContext, payload: PostPayload): unknown {
  const { world, clock, incarnation } = parts;
  const { mode, ms } = payload;
  const { definition, name } = context.self;
  const headers = (context as Run).invocation.details?.message?.headers;
  const item = itemOf(payload, headers);
  world.count(`post ${mode}`);
  if (headers?.kind === "step") world.count("post step");
  if (isFired(item)) world.count("message fired");
  const actor = `${definition}/${name}`;
  world.runs.push({ sequence: world.next(), at: clock.wall(), actor, item });
  const hops = headers?.kind === "step" ? headers.hops! : 0;
  const doAll = (): unknown => act(context, { payload, item, hops, world });
  switch (mode) {
    case "slow":
      return sleep(clock, ms).then(doAll);
    case "moody":
      if (world.choices.chance(0.5)) throw new Error("the action is in a bad mood");
      return doAll();
    case "throw":
      doAll();
      throw new Error("the action failed");
    case "fail":
      doAll();
      return fail("closed");
    case "deadly":
      incarnation.isDoomed = true;
      return new Promise(() => undefined);
    case "plain":
    case "spoil":
      return doAll();
  }
}

/** Puts the item into the list, sends what is to be sent, and says who goes on. */
function act(
  context: ActionContext,
  what: {
    readonly payload: PostPayload;
    readonly item: string;
    readonly hops: number;
    readonly world: World;
  },
): unknown {
  const { payload, item, hops, world } = what;
  const { definition, name } = context.self;
  const hasState = definition !== "post-stateless";
  const state = hasState ? (context.state as PostState) : { items: [] };
  state.items.push(item);
  if (payload.isLast && hops === 0) end(context, state, world);
  if (payload.mode === "spoil" && hasState) state.items.push(10n);
  for (const { id } of hops === 0 ? payload.cancels : []) {
    context.cancel(id);
    world.count("message unwanted");
    // It goes with no commit, so nobody can tell from the list.
    if (!hasState) world.cancelled.add(id.includes("@") ? id : storedId(context.self, id));
  }
  const isRepeated = item.includes("@");
  if (hops === 0 && !isRepeated) {
    for (const { to, options, payload: errand } of payload.errands) {
      context.send(to.name, {
        ...options,
        definition: to.role,
        action: "post",
        payload: errand,
      });
    }
    for (const told of payload.broadcasts) context.broadcast(CHANNEL_NAME, told);
    for (const wanted of payload.outside) context.external(OUTSIDE_NAME, wanted);
  }
  const next = payload.route[hops];
  if (next === undefined) return { at: `${definition}/${name}`, place: state.items.length };
  context[next.kind](next.to.role, next.to.name, "post");
  return next.kind === "pipe" ? payload : undefined;
}

/** Deletes the actor, and tells somebody what it was. */
function end(context: ActionContext, { items }: PostState, world: World): void {
  context.delete();
  const value = `${context.self.name}.${world.next()}/end`;
  const payload = { ...EMPTY, value, list: [...items] };
  context.send("m1", { definition: "post", action: "post", payload });
}
