/**
 * What one seed is like: which faults there are and how many, how large the limits, how busy the
 * clients. Each seed switches on a random subset ("swarm testing", Groce et al., ISSTA 2012): with
 * all faults always on, some would hide what others reveal.
 */
import type { Limits } from "../../src/engine/limits.ts";
import type { Repetition } from "../../src/engine/message-store.ts";
import type { Choices } from "./choices.ts";

/** What may happen to one request to the database. */
export const requestFaults = [
  "lost-request",
  "lost-answer",
  "ghost",
  "duplicate",
  "untyped-error",
  "load-error",
  "load-delayed",
] as const;
export type RequestFault = (typeof requestFaults)[number];

/** What happens now and then to an incarnation or to the database as a whole. */
export const disasters = [
  "crash",
  "stop",
  "pause",
  "overlap",
  "outage",
  "disk-full",
  "slow-disk",
  "clock-jump",
] as const;
export type Disaster = (typeof disasters)[number];

export interface Profile {
  /** Whether one incarnation at a time can use the database, as with a locked file. */
  readonly isExclusive: boolean;
  readonly rates: Readonly<Record<RequestFault, number>>;
  readonly disasters: readonly Disaster[];
  /** Mean time between two disasters. */
  readonly disasterEveryMs: number;
  readonly activeMs: number;
  readonly latencyMs: number;
  readonly ghostMsMax: number;
  readonly limits: Limits;
  readonly clients: number;
  readonly thinkMs: number;
  /** Actors of each role. */
  readonly actors: number;
  readonly burstMax: number;
  /** Shares of calls: the rest are plain appends. */
  readonly shares: {
    readonly read: number;
    readonly key: number;
    readonly badCode: number;
    readonly slow: number;
    readonly relay: number;
    readonly shortDeadline: number;
    readonly abort: number;
    readonly async: number;
    readonly poison: number;
  };
  readonly messages: MessageProfile;
  /** Nothing goes wrong but what messages do. */
  readonly isCalm: boolean;
  readonly deactivateTimeoutMs: number;
  readonly snapshotTimeoutMs: number;
  /** For how long a revision is kept after another one took its place; `undefined`: a few are kept, however old. */
  readonly revisionsKeptMs: number | undefined;
  /** How long fleeting actors live when nothing is done with them; `undefined` when there are none. */
  readonly expireAfterMs: number | undefined;
  /** For how long there is nobody but who visits those, before the clients come and things go wrong. */
  readonly quietMs: number;
  readonly isStrict: boolean;
  /** Whether what is stored is encrypted, and the key is changed meanwhile. */
  readonly isEncrypted: boolean;
  readonly hasInit: boolean;
}

/** What is sent, and how. */
interface MessageProfile {
  /** The share of calls that are about messages. */
  readonly share: number;
  readonly errandsMax: number;
  /** How often what was sent sends something itself. */
  readonly depthMax: number;
  /** Shares of messages. */
  readonly statelessShare: number;
  readonly behindShare: number;
  readonly laterShare: number;
  readonly repeatShare: number;
  readonly unorderedShare: number;
  readonly fireShare: number;
  /** Those that have an id of their sender, by which it may cancel them. */
  readonly namedShare: number;
  /** Those that are for functions outside. */
  readonly externalShare: number;
  readonly badShare: number;
  readonly deadlyShare: number;
  /** Shares of calls. */
  readonly routeShare: number;
  readonly broadcastShare: number;
  readonly outsideShare: number;
  readonly cancelShare: number;
  readonly hasOperators: boolean;
  readonly timers: readonly Repetition[];
}

/**
 * Draws the profile of a run.
 *
 * @param apart for what was added late: a stream of its own, so that the rest of a seed stays as it was
 */
export function drawProfile(choices: Choices, defaults: Limits, apart: Choices): Profile {
  const isExclusive = choices.chance(0.5);
  const rate = (): number => (choices.chance(0.5) ? choices.pick([0.02, 0.06, 0.2]) : 0);
  const share = (likely: number, of: readonly number[]): number =>
    choices.chance(likely) ? choices.pick(of) : 0;
  const ghostMsMax = choices.pick([500, 3_000, 10_000]);
  const messages = drawMessages(choices, share);
  const hasMessages = messages.share > 0;
  // Long enough for messages to be claimed that are left to their process at first.
  const isLong = hasMessages && choices.chance(0.5);
  const isCalm = hasMessages && choices.chance(0.1);
  const rates = isCalm
    ? noFaults
    : {
        "lost-request": rate(),
        "lost-answer": rate(),
        ghost: rate(),
        duplicate: rate(),
        "untyped-error": rate() / 4,
        "load-error": rate(),
        "load-delayed": rate(),
      };
  const given = disasters.filter(
    (disaster) =>
      (disaster !== "overlap" || !isExclusive) &&
      choices.chance(disaster === "clock-jump" ? 0.2 : 0.6) &&
      !isCalm,
  );
  const profile = {
    isExclusive,
    messages,
    isCalm,
    rates,
    disasters: given,
    disasterEveryMs: choices.pick(isLong ? [400, 1_500, 4_000] : [150, 400, 1_000]),
    activeMs: isLong ? choices.between(6_000, 16_000) : choices.between(1_500, 4_000),
    latencyMs: choices.pick([1, 4, 15]),
    ghostMsMax,
    limits: {
      ...drawLimits(choices, { defaults, isExclusive, ghostMsMax }),
      ...drawTightLimits(apart, defaults),
      ...(given.includes("clock-jump") ? {} : drawRests(apart, defaults)),
    },
    clients: choices.pick(hasMessages ? [3, 8] : [3, 8, 20]),
    thinkMs: choices.pick(isLong ? [100, 300] : hasMessages ? [20, 50, 100] : [5, 20, 50]),
    actors: choices.pick([1, 2, 4]),
    burstMax: choices.pick(hasMessages ? [1, 4] : [1, 4, 25]),
    shares: {
      read: share(0.8, [0.2, 0.6]),
      key: share(0.7, [0.2, 0.7]),
      badCode: share(0.6, [0.05, 0.2]),
      slow: share(0.6, [0.05, 0.2]),
      relay: share(0.5, [0.05, 0.15]),
      shortDeadline: share(0.6, [0.1, 0.3]),
      abort: share(0.4, [0.05, 0.1]),
      async: share(0.4, [0.05, 0.1]),
      poison: share(0.3, [0.01, 0.04]),
    },
    deactivateTimeoutMs: choices.pick([100, 300, 2_000]),
    snapshotTimeoutMs: choices.pick([50, 200, 800]),
    isStrict: choices.chance(0.3),
    isEncrypted: apart.chance(0.2),
    hasInit: choices.chance(0.3),
  };
  const expiry = drawExpiry(apart, profile.activeMs);
  return {
    ...profile,
    messages: { ...messages, timers: messages.timers.map((timer) => inTime(timer, profile)) },
    ...expiry,
    revisionsKeptMs: apart.chance(0.3) ? apart.pick([300, 2_000]) : undefined,
  };
}

/** A repetition that can be kept up with: who claims one message at a time and waits long for it gets few in a second. */
function inTime(
  repeat: Repetition,
  { latencyMs, limits }: Pick<Profile, "latencyMs" | "limits">,
): Repetition {
  const isSlow = latencyMs > 4 && limits.claimRowsMax === 1;
  return isSlow && "everyMs" in repeat ? { ...repeat, everyMs: SLOWLY_MS } : repeat;
}

/** When a process looks first for what has expired. */
const FIRST_LOOK_MS = 60_000;
const SLOWLY_MS = 4_000;

/** Who lives that long, and when the clients come: so that somebody looks while they work. */
function drawExpiry(
  choices: Choices,
  activeMs: number,
): Pick<Profile, "expireAfterMs" | "quietMs"> {
  if (!choices.chance(0.2)) return { expireAfterMs: undefined, quietMs: 0 };
  return {
    expireAfterMs: choices.pick([500, 3_000, 20_000]),
    quietMs: FIRST_LOOK_MS - choices.between(0, activeMs),
  };
}

const noFaults = Object.fromEntries(requestFaults.map((fault) => [fault, 0])) as Profile["rates"];

function drawMessages(
  choices: Choices,
  share: (likely: number, of: readonly number[]) => number,
): MessageProfile {
  return {
    share: share(0.6, [0.3, 0.8]),
    ...choices.pick([
      { errandsMax: 1, depthMax: 1 },
      { errandsMax: 5, depthMax: 1 },
      { errandsMax: 2, depthMax: 2 },
      { errandsMax: 1, depthMax: 4 },
    ]),
    statelessShare: share(0.3, [0.1, 0.4]),
    behindShare: share(0.4, [0.2, 0.5]),
    laterShare: share(0.4, [0.1, 0.3]),
    repeatShare: share(0.3, [0.02, 0.05]),
    unorderedShare: share(0.4, [0.1, 0.4]),
    fireShare: share(0.3, [0.1]),
    badShare: share(0.5, [0.05, 0.15]),
    deadlyShare: share(0.3, [0.01, 0.03]),
    routeShare: share(0.5, [0.2, 0.5]),
    broadcastShare: share(0.3, [0.1, 0.3]),
    outsideShare: share(0.4, [0.1, 0.3]),
    ...drawWayward(share),
    hasOperators: choices.chance(0.4),
    timers: (["skip", "one", "all"] as const).flatMap((catchUp) =>
      choices.chance(0.15) ? [{ everyMs: choices.pick([800, 2_000]), catchUp }] : [],
    ),
  };
}

/** What is sent and may be taken back, and what goes outside. */
function drawWayward(share: (likely: number, of: readonly number[]) => number) {
  const namedShare = share(0.4, [0.2, 0.5]);
  return {
    namedShare,
    cancelShare: namedShare > 0 ? 0.4 : 0,
    externalShare: share(0.3, [0.2, 0.5]),
  };
}

/** Limits that nothing in a run comes near to unless they are far below their defaults. */
function drawTightLimits(choices: Choices, defaults: Limits): Partial<Limits> {
  const tight = <Name extends keyof Limits>(name: Name, ...of: readonly number[]): number =>
    choices.chance(0.4) ? choices.pick(of) : defaults[name];
  return {
    subscribersAtOnceMax: tight("subscribersAtOnceMax", 1, 2),
    loopLagMsMax: tight("loopLagMsMax", 20),
    deliveriesPerTargetMax: tight("deliveriesPerTargetMax", 1, 4),
    laneLengthMax: tight("laneLengthMax", 1, 3),
    slowDeliveryMs: tight("slowDeliveryMs", 20),
    doubtfulAloneMs: tight("doubtfulAloneMs", 50),
    claimUnitsMax: tight("claimUnitsMax", 1, 500),
    mailboxUnitsMax: tight("mailboxUnitsMax", 1_000, 10_000),
    speculationUnitsMax: tight("speculationUnitsMax", 1, 30),
    commitUnitsMax: tight("commitUnitsMax", 1, 500),
  };
}

/** Large states rest between their commits. Who has an hour of missed ticks to catch up with would never end. */
function drawRests(choices: Choices, defaults: Limits): Partial<Limits> {
  return {
    commitUnitsPerSecond: choices.pick([100_000, 1_000_000, defaults.commitUnitsPerSecond]),
  };
}

function drawLimits(
  choices: Choices,
  around: { readonly defaults: Limits; readonly isExclusive: boolean; readonly ghostMsMax: number },
): Limits {
  const { defaults, isExclusive, ghostMsMax } = around;
  const ambiguityMaxMs = choices.pick([400, 2_000, 30_000]);
  return {
    ...defaults,
    mailboxLengthMax: choices.pick([4, 20, 1_000]),
    queuedMax: choices.pick([30, 20_000]),
    speculationMax: choices.pick([1, 3, 20, 200]),
    commitRowsMax: choices.pick([1, 3, 512]),
    commitsInFlightMax: choices.between(1, 3),
    loadRowsMax: choices.pick([1, 3, 128]),
    loadsInFlightMax: choices.between(1, 3),
    storeRetryMs: choices.pick([100, 1_000, 5_000]),
    // A request that is still on its way when its outcome is given up changes the row behind the back
    // of the incarnation. Where the store is exclusive that does not happen.
    ambiguityMaxMs: isExclusive ? Math.max(ambiguityMaxMs, 2 * ghostMsMax) : ambiguityMaxMs,
    flushMaxMs: choices.pick([50, 300]),
    actionGraceMs: choices.pick([20, 200]),
    deliveriesMax: choices.pick([2, 20, 10_000]),
    claimRowsMax: choices.pick([1, 4, 256]),
    messageAttemptsMax: choices.pick([4, 6]),
    externalTimeoutMs: choices.pick([150, 60_000]),
  };
}
