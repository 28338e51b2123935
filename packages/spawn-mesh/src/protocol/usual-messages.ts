/**
 * Reads the messages of every call as they usually are: known fields, each once, with names in ASCII. What is
 * made is what the library's decoder makes, without the objects that it needs on the way. Whatever is not
 * usual is left to that one.
 */
import type { Message } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { FieldCursor, UNUSUAL } from "./field-cursor.ts";
import type { Actor, ActorId, ActorSystem } from "./gen/spawn/actors/actor_pb.ts";
import type {
  ActorInvocation,
  ActorInvocationResponse,
  Context,
  InvocationRequest,
  InvocationResponse,
  Noop,
  RequestStatus,
  Status,
} from "./gen/spawn/protocol_pb.ts";

type Read<Value> = (from: FieldCursor, end: number) => Value;
/** Fields that were read, as bits. */
type Seen = number;

/** Our SDK and our proxy say further things in fields from here on; these two are of a `Run`. */
const FURTHER_FIELDS = 1_000;
const RUN_ID = 1_000;
const REVISION = 1_001;

const readers: ReadonlyMap<string, Read<Message>> = new Map<string, Read<Message>>([
  ["spawn.InvocationRequest", readCall],
  ["spawn.InvocationResponse", readCallAnswer],
  ["spawn.ActorInvocation", readInvocation],
  ["spawn.ActorInvocationResponse", readHostAnswer],
]);

/** The message in `bytes`, if it is one of a call and has nothing unusual. */
export function usualMessage(typeName: string, bytes: Uint8Array): Message | undefined {
  const read = readers.get(typeName);
  if (read === undefined) return undefined;
  try {
    return read(new FieldCursor(bytes), bytes.length);
  } catch (error) {
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

function readCall(from: FieldCursor, end: number): InvocationRequest {
  const call: InvocationRequest = {
    $typeName: "spawn.InvocationRequest",
    actionName: "",
    payload: { case: undefined },
    async: false,
    metadata: {},
    scheduledTo: 0n,
    pooled: false,
    registerRef: "",
  };
  for (let seen: Seen = 0; from.next(end);) {
    if (from.field === 8) readEntry(from, end, call.metadata);
    else if (from.field >= FURTHER_FIELDS) readFurther(from, end, call);
    else {
      seen = once(from, seen);
      switch (from.field) {
        case 1:
          call.system = readSystem(from, from.enter(end));
          break;
        case 2:
          call.actor = readActor(from, from.enter(end));
          break;
        case 3:
          call.actionName = from.text(end);
          break;
        case 4:
          call.payload = { case: "value", value: readAny(from, from.enter(end)) };
          break;
        case 5:
          call.async = from.boolean();
          break;
        case 6:
          call.caller = readId(from, from.enter(end));
          break;
        case 11:
          call.registerRef = from.text(end);
          break;
        default:
          throw UNUSUAL;
      }
    }
  }
  return call;
}

function readCallAnswer(from: FieldCursor, end: number): InvocationResponse {
  const answer: InvocationResponse = {
    $typeName: "spawn.InvocationResponse",
    payload: { case: undefined },
  };
  for (let seen: Seen = 0; from.next(end);) {
    if (from.field >= FURTHER_FIELDS) {
      readFurther(from, end, answer);
      continue;
    }
    seen = once(from, seen);
    switch (from.field) {
      case 1:
        answer.status = readStatus(from, from.enter(end));
        break;
      case 2:
        answer.system = readSystem(from, from.enter(end));
        break;
      case 3:
        answer.actor = readActor(from, from.enter(end));
        break;
      case 4:
        answer.payload = { case: "value", value: readAny(from, from.enter(end)) };
        break;
      default:
        throw UNUSUAL;
    }
  }
  return answer;
}

function readInvocation(from: FieldCursor, end: number): ActorInvocation {
  const invocation: ActorInvocation = {
    $typeName: "spawn.ActorInvocation",
    actionName: "",
    payload: { case: undefined },
  };
  for (let seen: Seen = 0; from.next(end);) {
    if (from.field >= FURTHER_FIELDS) {
      readFurther(from, end, invocation);
      continue;
    }
    seen = once(from, seen);
    switch (from.field) {
      case 1:
        invocation.actor = readId(from, from.enter(end));
        break;
      case 2:
        invocation.actionName = from.text(end);
        break;
      case 3:
        invocation.currentContext = readContext(from, from.enter(end));
        break;
      case 4:
        invocation.payload = { case: "value", value: readAny(from, from.enter(end)) };
        break;
      case 6:
        invocation.caller = readId(from, from.enter(end));
        break;
      default:
        throw UNUSUAL;
    }
  }
  return invocation;
}

function readHostAnswer(from: FieldCursor, end: number): ActorInvocationResponse {
  const answer: ActorInvocationResponse = {
    $typeName: "spawn.ActorInvocationResponse",
    actorName: "",
    actorSystem: "",
    payload: { case: undefined },
    checkpoint: false,
  };
  for (let seen: Seen = 0; from.next(end);) {
    if (from.field >= FURTHER_FIELDS) {
      readFurther(from, end, answer);
      continue;
    }
    seen = once(from, seen);
    switch (from.field) {
      case 1:
        answer.actorName = from.text(end);
        break;
      case 2:
        answer.actorSystem = from.text(end);
        break;
      case 3:
        answer.updatedContext = readContext(from, from.enter(end));
        break;
      case 4:
        if (answer.payload.case !== undefined) throw UNUSUAL;
        answer.payload = { case: "value", value: readAny(from, from.enter(end)) };
        break;
      case 6:
        if (answer.payload.case !== undefined) throw UNUSUAL;
        answer.payload = { case: "noop", value: readNoop(from, from.enter(end)) };
        break;
      case 7:
        answer.checkpoint = from.boolean();
        break;
      default:
        throw UNUSUAL;
    }
  }
  return answer;
}

function readContext(from: FieldCursor, end: number): Context {
  const context: Context = { $typeName: "spawn.Context", metadata: {}, tags: {} };
  for (let seen: Seen = 0; from.next(end);) {
    if (from.field === 4) readEntry(from, end, context.metadata);
    else if (from.field === 5) readEntry(from, end, context.tags);
    else {
      seen = once(from, seen);
      if (from.field === 1) context.state = readAny(from, from.enter(end));
      else if (from.field === 2) context.caller = readId(from, from.enter(end));
      else if (from.field === 3) context.self = readId(from, from.enter(end));
      else throw UNUSUAL;
    }
  }
  return context;
}

function readStatus(from: FieldCursor, end: number): RequestStatus {
  const status: RequestStatus = { $typeName: "spawn.RequestStatus", status: 0, message: "" };
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field === 1) status.status = from.enumValue() as Status;
    else if (from.field === 2) status.message = from.text(end);
    else throw UNUSUAL;
  }
  return status;
}

function readSystem(from: FieldCursor, end: number): ActorSystem {
  const system: ActorSystem = { $typeName: "spawn.actors.ActorSystem", name: "" };
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field !== 1) throw UNUSUAL;
    system.name = from.text(end);
  }
  return system;
}

function readActor(from: FieldCursor, end: number): Actor {
  const actor: Actor = { $typeName: "spawn.actors.Actor", actions: [], timerActions: [] };
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field !== 1) throw UNUSUAL;
    actor.id = readId(from, from.enter(end));
  }
  return actor;
}

function readId(from: FieldCursor, end: number): ActorId {
  const id: ActorId = { $typeName: "spawn.actors.ActorId", name: "", system: "", parent: "" };
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field === 1) id.name = from.text(end);
    else if (from.field === 2) id.system = from.text(end);
    else if (from.field === 3) id.parent = from.text(end);
    else throw UNUSUAL;
  }
  return id;
}

function readAny(from: FieldCursor, end: number): Any {
  const any: Any = { $typeName: "google.protobuf.Any", typeUrl: "", value: NO_BYTES };
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field === 1) any.typeUrl = from.typeUrl(end);
    else if (from.field === 2) any.value = from.view(end);
    else throw UNUSUAL;
  }
  return any;
}

const NO_BYTES = new Uint8Array(0);

function readNoop(from: FieldCursor, end: number): Noop {
  if (from.next(end)) throw UNUSUAL;
  return { $typeName: "spawn.Noop" };
}

function readEntry(from: FieldCursor, outerEnd: number, texts: Record<string, string>): void {
  const end = from.enter(outerEnd);
  let key = "";
  let value = "";
  for (let seen: Seen = 0; from.next(end);) {
    seen = once(from, seen);
    if (from.field === 1) key = from.text(end);
    else if (from.field === 2) value = from.text(end);
    else throw UNUSUAL;
  }
  if (key === "__proto__") throw UNUSUAL;
  texts[key] = value;
}

function readFurther(from: FieldCursor, end: number, message: Message): void {
  const { field: no, wireType } = from;
  (message.$unknown ??= []).push({ no, wireType, data: from.raw(end) });
}

/** Of a field that comes twice the parts are put together, or the last one counts. */
function once({ field }: FieldCursor, seen: Seen): Seen {
  const bit = 1 << field;
  if (field > 30 || (seen & bit) !== 0) throw UNUSUAL;
  return seen | bit;
}

/** What an invocation, or a call that its action makes, says of the run; an empty id if it says nothing. */
export function runIn({ $unknown: further = [] }: Message): {
  readonly id: string;
  readonly revision: number;
} {
  let id = "";
  let revision = 0;
  for (const { no, wireType, data } of further) {
    if (no === RUN_ID && wireType === WireType.LengthDelimited)
      id = new BinaryReader(data).string();
    if (no === REVISION && wireType === WireType.Varint)
      revision = Number(new BinaryReader(data).int64());
  }
  return { id, revision };
}
