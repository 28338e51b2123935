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

/** Fields that were read, as bits. */
type Seen = number;

/** How a message is made, and what its fields mean. */
interface Form<Made extends Message> {
  create(): Made;
  /** Reads the value of the field that the cursor has come to. */
  readField(made: Made, from: FieldCursor, end: number): void;
  /** Fields that may come more than once. */
  readonly repeated?: Seen;
}

/** Our SDK and our proxy say further things in fields from here on; these two are of a `Run`. */
const FURTHER_FIELDS = 1_000;
const RUN_ID = 1_000;
const REVISION = 1_001;

/** The message in `bytes`, if it is one of a call and has nothing unusual. */
export function usualMessage(typeName: string, bytes: Uint8Array): Message | undefined {
  const form = forms.get(typeName);
  if (form === undefined) return undefined;
  try {
    return readMessage(form, new FieldCursor(bytes), bytes.length);
  } catch (error) {
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

function readMessage<Made extends Message>(form: Form<Made>, from: FieldCursor, end: number): Made {
  const { repeated = 0 } = form;
  const made = form.create();
  let seen: Seen = 0;
  while (from.next(end)) {
    if (from.field >= FURTHER_FIELDS) readFurther(from, end, made);
    else {
      seen = once(from, seen) & ~repeated;
      form.readField(made, from, end);
    }
  }
  return made;
}

/** The message in the field that the cursor has come to. */
function readInner<Made extends Message>(form: Form<Made>, from: FieldCursor, end: number): Made {
  return readMessage(form, from, from.enter(end));
}

const id: Form<ActorId> = {
  create: () => ({ $typeName: "spawn.actors.ActorId", name: "", system: "", parent: "" }),
  readField(made, from, end) {
    if (from.field === 1) made.name = from.text(end);
    else if (from.field === 2) made.system = from.text(end);
    else if (from.field === 3) made.parent = from.text(end);
    else throw UNUSUAL;
  },
};

const system: Form<ActorSystem> = {
  create: () => ({ $typeName: "spawn.actors.ActorSystem", name: "" }),
  readField(made, from, end) {
    if (from.field !== 1) throw UNUSUAL;
    made.name = from.text(end);
  },
};

const actor: Form<Actor> = {
  create: () => ({ $typeName: "spawn.actors.Actor", actions: [], timerActions: [] }),
  readField(made, from, end) {
    if (from.field !== 1) throw UNUSUAL;
    made.id = readInner(id, from, end);
  },
};

const any: Form<Any> = {
  create: () => ({ $typeName: "google.protobuf.Any", typeUrl: "", value: NO_BYTES }),
  readField(made, from, end) {
    if (from.field === 1) made.typeUrl = from.typeUrl(end);
    else if (from.field === 2) made.value = from.view(end);
    else throw UNUSUAL;
  },
};

const noop: Form<Noop> = {
  create: () => ({ $typeName: "spawn.Noop" }),
  readField() {
    throw UNUSUAL;
  },
};

const status: Form<RequestStatus> = {
  create: () => ({ $typeName: "spawn.RequestStatus", status: 0, message: "" }),
  readField(made, from, end) {
    if (from.field === 1) made.status = from.enumValue() as Status;
    else if (from.field === 2) made.message = from.text(end);
    else throw UNUSUAL;
  },
};

const context: Form<Context> = {
  create: () => ({ $typeName: "spawn.Context", metadata: {}, tags: {} }),
  repeated: (1 << 4) | (1 << 5),
  readField(made, from, end) {
    if (from.field === 1) made.state = readInner(any, from, end);
    else if (from.field === 2) made.caller = readInner(id, from, end);
    else if (from.field === 3) made.self = readInner(id, from, end);
    else if (from.field === 4) readEntry(from, end, made.metadata);
    else if (from.field === 5) readEntry(from, end, made.tags);
    else throw UNUSUAL;
  },
};

const call: Form<InvocationRequest> = {
  create: () => ({
    $typeName: "spawn.InvocationRequest",
    actionName: "",
    payload: { case: undefined },
    async: false,
    metadata: {},
    scheduledTo: 0n,
    pooled: false,
    registerRef: "",
  }),
  repeated: 1 << 8,
  readField(made, from, end) {
    if (from.field === 1) made.system = readInner(system, from, end);
    else if (from.field === 2) made.actor = readInner(actor, from, end);
    else if (from.field === 3) made.actionName = from.text(end);
    else if (from.field === 4) made.payload = valueIn(from, end);
    else if (from.field === 5) made.async = from.boolean();
    else if (from.field === 6) made.caller = readInner(id, from, end);
    else if (from.field === 8) readEntry(from, end, made.metadata);
    else if (from.field === 11) made.registerRef = from.text(end);
    else throw UNUSUAL;
  },
};

const callAnswer: Form<InvocationResponse> = {
  create: () => ({ $typeName: "spawn.InvocationResponse", payload: { case: undefined } }),
  readField(made, from, end) {
    if (from.field === 1) made.status = readInner(status, from, end);
    else if (from.field === 2) made.system = readInner(system, from, end);
    else if (from.field === 3) made.actor = readInner(actor, from, end);
    else if (from.field === 4) made.payload = valueIn(from, end);
    else throw UNUSUAL;
  },
};

const invocation: Form<ActorInvocation> = {
  create: () => ({
    $typeName: "spawn.ActorInvocation",
    actionName: "",
    payload: { case: undefined },
  }),
  readField(made, from, end) {
    if (from.field === 1) made.actor = readInner(id, from, end);
    else if (from.field === 2) made.actionName = from.text(end);
    else if (from.field === 3) made.currentContext = readInner(context, from, end);
    else if (from.field === 4) made.payload = valueIn(from, end);
    else if (from.field === 6) made.caller = readInner(id, from, end);
    else throw UNUSUAL;
  },
};

const hostAnswer: Form<ActorInvocationResponse> = {
  create: () => ({
    $typeName: "spawn.ActorInvocationResponse",
    actorName: "",
    actorSystem: "",
    payload: { case: undefined },
    checkpoint: false,
  }),
  readField(made, from, end) {
    const isPayload = from.field === 4 || from.field === 6;
    // The last one counts, and only one of them can be told here.
    if (isPayload && made.payload.case !== undefined) throw UNUSUAL;
    if (from.field === 1) made.actorName = from.text(end);
    else if (from.field === 2) made.actorSystem = from.text(end);
    else if (from.field === 3) made.updatedContext = readInner(context, from, end);
    else if (from.field === 4) made.payload = valueIn(from, end);
    else if (from.field === 6) made.payload = { case: "noop", value: readInner(noop, from, end) };
    else if (from.field === 7) made.checkpoint = from.boolean();
    else throw UNUSUAL;
  },
};

/** The messages of every call. */
const forms: ReadonlyMap<string, Form<Message>> = new Map<string, Form<Message>>([
  ["spawn.InvocationRequest", call],
  ["spawn.InvocationResponse", callAnswer],
  ["spawn.ActorInvocation", invocation],
  ["spawn.ActorInvocationResponse", hostAnswer],
]);

const NO_BYTES = new Uint8Array(0);

function valueIn(from: FieldCursor, end: number): { case: "value"; value: Any } {
  return { case: "value", value: readInner(any, from, end) };
}

/** An entry of a map of texts. */
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
