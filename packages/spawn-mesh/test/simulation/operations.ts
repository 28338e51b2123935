import type { ActorRole, Operation, Outcome } from "./run-log.ts";
import type { World } from "./world.ts";

/** Enters into the record that somebody begins to want something. */
export function beginOperation(
  world: World,
  wish: {
    readonly role: ActorRole;
    readonly name: string;
    readonly kind: Operation["kind"];
    readonly value?: string;
    /** Whether it goes on in other actors. */
    readonly isRouted?: boolean;
  },
): Operation {
  const { role, name, kind, value } = wish;
  const actor = `${role}/${name}`;
  const operation: Operation = {
    actor,
    role,
    kind,
    value,
    startedAt: world.clock.monotonic(),
    startedSequence: world.next(),
    outcome: undefined,
    endedAt: Infinity,
    endedSequence: Infinity,
    version: undefined,
    madeAt: undefined,
    items: undefined,
    owner: undefined,
    ...(wish.isRouted === true ? { lastReplies: new Set<string>() } : {}),
  };
  world.operations.push(operation);
  world.note(`${kind} ${actor} ${value ?? ""}`);
  return operation;
}

/** Enters what became of it. */
export function endOperation(
  world: World,
  operation: Operation,
  answer: {
    readonly outcome: Outcome;
    readonly reply: unknown;
    readonly owner: string;
    /** When the answer came. */
    readonly sequence: number;
  },
): void {
  const { kind, actor, value } = operation;
  operation.outcome = answer.outcome;
  operation.owner = answer.owner;
  operation.endedAt = world.clock.monotonic();
  operation.endedSequence = answer.sequence;
  const made = world.made.get(`${actor} ${value}`);
  operation.madeAt = made?.by.size === 1 ? made.at : undefined;
  if (answer.outcome === "yes") {
    world.count(`done ${kind}`);
    const { reply } = answer;
    const isOwn = operation.lastReplies === undefined;
    if (kind === "append" && isOwn) operation.version = placeOf(reply);
    if (kind === "read") operation.items = answer.reply as readonly string[];
    if (kind === "read") operation.version = operation.items?.length;
  }
  const version = operation.version === undefined ? "" : ` at ${operation.version}`;
  world.note(`${kind} ${actor} ${value ?? ""}: ${operation.outcome}${version}`);
}

/** At which place of the list the appended value was then, if the reply says so. */
function placeOf(reply: unknown): number | undefined {
  return typeof reply === "number" ? reply : (reply as { place?: number } | undefined)?.place;
}
