/**
 * One end of a stream: it asks the other end, and is asked by it, many times at once.
 *
 * Memory is bounded without credits. The program of a user always reads, and takes no new calls while
 * the proxy does not take what was said; the proxy reads nothing more from whoever does not read its
 * answers. So only one end ever waits for the other.
 */
import type { Socket } from "node:net";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { FrameKind } from "./frames.ts";

/** Every bound of a stream. */
export interface StreamLimits {
  /** The largest body of a frame that is read. */
  readonly bodyBytesMax: number;
  /**
   * How many bytes may wait to be read by the other end before nothing more is read from it. Default:
   * any number. The stream ends when what was asked before makes them too many.
   */
  readonly unreadBytesMax?: number;
  /**
   * How long a frame may take to come, from its first byte to its last, in milliseconds; it is looked at
   * with each heartbeat. Default: any time.
   */
  readonly frameMsMax?: number;
  /** How often a silent end says that it is there, in milliseconds. Default 10 000. */
  readonly heartbeatMs?: number;
}

/** What an end does when the other one says something. */
export interface StreamListener {
  /** A request, which `answer` is called for sooner or later. */
  asked(kind: number, id: number, body: Buffer): void;
  /** A request whose body was too large to be kept, by itself or together with others. */
  tooLarge(kind: number, id: number, bytes: number): void;
  /** So many bytes are kept of a frame of which not all has come. Answers whether they may be. */
  holds?(bytes: number): boolean;
  /** Nobody waits for the answer to a request any more. */
  cancelled(id: number): void;
  /** It is there. */
  beat?(): void;
  /** So many bytes wait to be read by the other end, and nothing more is read from it. */
  heldBack?(bytes: number): void;
  /** It has taken all that was sent. */
  drained?(): void;
  /** It is the last that is heard. */
  closed(reason: string): void;
}

/** How a request over a stream was answered. */
export type AnswerKind =
  | typeof FrameKind.done
  | typeof FrameKind.failed
  | typeof FrameKind.declined;

/** Whoever waits for an answer. One of the two is called, once, and not before `ask` has returned. */
export interface Waiter {
  answered(kind: AnswerKind, body: Buffer): void;
  lost(lost: Lost): void;
}

/** Why there will be no answer. */
export interface Lost {
  readonly reason: string;
  /** Whether it came and was too large to be kept; else the connection has ended. */
  readonly isTooLarge: boolean;
  /** Whether the request was certainly not sent: the connection had ended before. */
  readonly isUnsent: boolean;
}

const HEARTBEAT_MS = 10_000;
/** An end that says nothing for so many heartbeats is dead, or as good as that. */
const SILENT_BEATS_MAX = 6;
/** How much of a body that is too large is read and thrown away, counted in bodies of the largest size. */
const DISCARDED_BODIES_MAX = 8;
/** How much may wait to be read after all, by what was asked before: counted in bodies of the largest size. */
const UNREAD_BODIES_MAX = 32;
/** Time for what was said to be read when a stream ends, in milliseconds. */
const FAREWELL_MS = 2_000;
const ID_MAX = 0xffff_ffff;
const NO_BODY = new Uint8Array(0);

const requests: ReadonlySet<number> = new Set([
  FrameKind.invoke,
  FrameKind.register,
  FrameKind.run,
  FrameKind.leaving,
]);
const answers: ReadonlySet<number> = new Set([
  FrameKind.done,
  FrameKind.failed,
  FrameKind.declined,
]);

/** One end of a stream: asks, is asked, and notices when the other end is gone. */
export class StreamConnection {
  readonly #socket: Socket;
  readonly #limits: StreamLimits;
  readonly #listener: StreamListener;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #waiters = new Map<number, Waiter>();
  readonly #heartbeat: NodeJS.Timeout;
  #lastId = 0;
  /** Why it has ended, once it has. */
  #closedFor: string | undefined;
  #silentBeats = 0;
  #unsentAtBeat = 0;
  /** The frame that was coming at the last heartbeat, and since when. */
  #slowFrame: object | undefined;
  #slowSince = 0;

  constructor(socket: Socket, limits: StreamLimits, listener: StreamListener) {
    this.#socket = socket;
    this.#limits = limits;
    this.#listener = listener;
    this.#reader = new FrameReader(limits.bodyBytesMax, {
      frame: (kind, id, body) => this.#take(kind, id, body),
      tooLarge: (kind, id, bytes) => this.#takeTooLarge(kind, id, bytes),
    });
    this.#writer = new FrameWriter(socket, () => this.#holdBack());
    socket.setTimeout(0).setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error: Error) => this.close(error.message));
    socket.on("end", () => this.close("the other end has ended it"));
    socket.on("close", () => this.close("the connection was closed"));
    const { heartbeatMs = HEARTBEAT_MS } = limits;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
    // The other end sees that frames come through.
    this.#writer.send(FrameKind.beat, 0, NO_BODY);
  }

  get isOpen(): boolean {
    return this.#closedFor === undefined;
  }

  /** Bytes that the other end has not taken. */
  get unsentBytes(): number {
    return this.#writer.unsentBytes;
  }

  /** Has it told that the stream has ended; at once if it has. */
  onClosed(listener: () => void): void {
    if (!this.isOpen) listener();
    else this.#socket.once("close", listener);
  }

  /** Whether the process is kept alive by it. */
  keepAlive(isKept: boolean): void {
    if (isKept) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Takes bytes that came before the stream was there. */
  begin(head: Buffer): void {
    if (head.length > 0) this.#read(head);
  }

  /** Asks the other end; answers the id of the request. */
  ask(kind: FrameKind, body: Uint8Array, waiter: Waiter): number {
    const id = this.#nextId();
    this.#waiters.set(id, waiter);
    if (this.isOpen) this.#writer.send(kind, id, body);
    else queueMicrotask(() => this.#lose([id], { isUnsent: true }));
    return id;
  }

  /** Forgets a request: its waiter hears nothing any more, and the other end is told so. */
  giveUp(id: number): void {
    if (this.#waiters.delete(id) && this.isOpen) {
      this.#writer.send(FrameKind.cancel, id, NO_BODY);
    }
  }

  /** Answers a request, if there is still somebody to answer. */
  answer(id: number, kind: AnswerKind, body: Uint8Array = NO_BODY): void {
    if (this.isOpen) this.#writer.send(kind, id, body);
  }

  /** Ends it when all is sent, or nobody takes it. */
  end(reason: string): void {
    if (!this.isOpen) return;
    this.#writer.flush();
    this.#settle(reason);
    this.#socket.end();
    const farewell = setTimeout(() => this.#socket.destroy(), FAREWELL_MS).unref();
    this.#socket.on("close", () => clearTimeout(farewell));
  }

  /** Ends it at once. */
  close(reason: string): void {
    if (!this.isOpen) return;
    this.#socket.destroy();
    this.#settle(reason);
  }

  #settle(reason: string): void {
    this.#closedFor = reason;
    clearInterval(this.#heartbeat);
    const sent = [...this.#waiters.keys()];
    this.#listener.closed(reason);
    this.#lose(sent, { isUnsent: false });
  }

  /** Tells those who wait for these requests, and still do, that the connection has ended. */
  #lose(ids: readonly number[], { isUnsent }: Pick<Lost, "isUnsent">): void {
    const reason = this.#closedFor!;
    for (const id of ids) this.#taken(id)?.lost({ reason, isTooLarge: false, isUnsent });
  }

  /** Whoever waits for that answer; from now on nobody does. */
  #taken(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === ID_MAX ? 1 : this.#lastId + 1;
    while (this.#waiters.has(this.#lastId));
    return this.#lastId;
  }

  #read(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.#silentBeats = 0;
    this.#reader.read(chunk);
    if (!this.isOpen) return;
    if (this.#listener.holds?.(this.#reader.heldBytes) === false) this.#reader.drop();
  }

  #take(kind: number, id: number, body: Buffer): void {
    if (!this.isOpen) return;
    // Whoever asked may have given up meanwhile.
    if (answers.has(kind)) return this.#taken(id)?.answered(kind as AnswerKind, body);
    if (requests.has(kind)) return this.#listener.asked(kind, id, body);
    switch (kind) {
      case FrameKind.cancel:
        return this.#listener.cancelled(id);
      case FrameKind.beat:
        return this.#listener.beat?.();
      default:
        return this.close(`a frame of kind ${kind} came, which there is not`);
    }
  }

  #takeTooLarge(kind: number, id: number, bytes: number): void {
    if (!this.isOpen) return;
    const { bodyBytesMax } = this.#limits;
    if (bytes > bodyBytesMax * DISCARDED_BODIES_MAX) {
      return this.close(`a frame of ${bytes} bytes came; at most ${bodyBytesMax} are read`);
    }
    if (requests.has(kind)) return this.#listener.tooLarge(kind, id, bytes);
    const reason =
      bytes > bodyBytesMax
        ? `the answer has ${bytes} bytes; at most ${bodyBytesMax} are read`
        : `the answer was not kept: ${bytes} bytes were too many together with others`;
    this.#taken(id)?.lost({ reason, isTooLarge: true, isUnsent: false });
  }

  /** After something was handed over: whoever does not read it is not listened to. */
  #holdBack(): void {
    const { unreadBytesMax, bodyBytesMax } = this.#limits;
    const { unsentBytes } = this;
    if (unreadBytesMax === undefined || unsentBytes <= unreadBytesMax) return;
    this.#socket.pause();
    if (unsentBytes > bodyBytesMax * UNREAD_BODIES_MAX) {
      return this.close(`${unsentBytes} bytes were not read`);
    }
    this.#listener.heldBack?.(unsentBytes);
  }

  #drained(): void {
    if (!this.isOpen) return;
    this.#socket.resume();
    this.#listener.drained?.();
  }

  #beat(): void {
    const { unsentBytes } = this;
    // What is not read here cannot be heard, but that something was taken can be seen.
    const isMoving = unsentBytes < this.#unsentAtBeat;
    this.#unsentAtBeat = unsentBytes;
    this.#silentBeats = isMoving ? 0 : this.#silentBeats + 1;
    if (this.#silentBeats > SILENT_BEATS_MAX) return this.close("nothing was heard for too long");
    if (this.#isTooSlow()) return this.close("a frame has not come to its end for too long");
    if (unsentBytes === 0) this.#writer.send(FrameKind.beat, 0, NO_BODY);
  }

  /** Whether the frame that is coming takes too long. What is not read here does not come. */
  #isTooSlow(): boolean {
    const { openFrame } = this.#reader;
    if (openFrame === undefined || openFrame !== this.#slowFrame || this.#socket.isPaused()) {
      this.#slowFrame = openFrame;
      this.#slowSince = performance.now();
      return false;
    }
    return performance.now() - this.#slowSince > (this.#limits.frameMsMax ?? Infinity);
  }
}
