/** The stream of one program: what it calls, what it hosts, and what it is told. */
import type { Socket } from "node:net";
import { SpawnError } from "spawn-mesh/engine";
import { FrameKind, StreamConnection } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { asSpawnError, refusalBody } from "../http/answers.ts";
import type { Answer } from "../http/answers.ts";
import { unexpected } from "../observability/log.ts";
import type { Log } from "../observability/log.ts";
import { invoke } from "../routes/invoke.ts";
import { register } from "../routes/register.ts";
import type { RegisterParts } from "../routes/register.ts";
import type { Identity } from "../security/identity.ts";
import { TOO_MANY_UNFINISHED, UnfinishedBytes } from "../http/unfinished-bytes.ts";
import type { UnreadAnswers } from "../http/unread-answers.ts";
import type { StreamHost } from "./stream-host.ts";

/** Requests of one program that are worked on at once; more are refused. */
const UNDER_WAY_MAX = 10_000;
/** While a program has not read so many bytes, nothing more is read from it. */
const UNREAD_BYTES_MAX = 1024 * 1024;

const NOTHING: Answer = { status: 200, headers: {}, body: new Uint8Array(0) };

export interface ProgramStreamParts {
  readonly systems: ActorSystems;
  readonly registering: RegisterParts;
  readonly bodyBytesMax: number;
  /** How long a request or an answer may take to come, in milliseconds. */
  readonly transferMsMax: number;
  readonly unread: UnreadAnswers;
  readonly log: Log;
  readonly identity: Identity;
  /** What it is as a host. */
  readonly hostOf: () => StreamHost;
  readonly onClosed: (reason: string) => void;
}

export class ProgramStream {
  readonly #parts: ProgramStreamParts;
  readonly #connection: StreamConnection;
  #underWay = 0;
  #forgetUnread: (() => void) | undefined;
  /** What it is as a host, once it has registered actors. */
  #host: StreamHost | undefined;

  constructor(socket: Socket, parts: ProgramStreamParts) {
    this.#parts = parts;
    const { bodyBytesMax, transferMsMax: frameMsMax } = parts;
    const limits = { bodyBytesMax, unreadBytesMax: UNREAD_BYTES_MAX, frameMsMax };
    const unfinished = new UnfinishedBytes(bodyBytesMax);
    this.#connection = new StreamConnection(socket, limits, {
      asked: (kind, id, body) => void this.#asked(kind, id, body),
      tooLarge: (_kind, id, bytes) => this.#refuse(id, tooLarge(bytes, bodyBytesMax)),
      holds: (bytes) => unfinished.keep(bytes),
      // It is worked on all the same; nobody hears of it.
      cancelled: () => undefined,
      heldBack: (bytes) => this.#isUnread(bytes),
      drained: () => {
        this.#forgetUnread?.();
        this.#host?.goOn();
      },
      closed: (reason) => {
        unfinished.keep(0);
        this.#forgetUnread?.();
        this.#host?.detach(this.#connection);
        parts.onClosed(reason);
      },
    });
  }

  /** Takes what came with the request for it; whatever that is, even what ends it. */
  begin(head: Buffer): void {
    this.#connection.begin(head);
  }

  /** Ends it with what was answered. */
  end(reason: string): void {
    this.#connection.end(reason);
  }

  /** Ends it at once. */
  close(reason: string): void {
    this.#connection.close(reason);
  }

  /** It counts with the answers that others do not read. */
  #isUnread(bytes: number): void {
    this.#forgetUnread?.();
    const giveUp = (): void => this.close("its answers were not read");
    this.#forgetUnread = this.#parts.unread.add(bytes, giveUp);
  }

  async #asked(kind: number, id: number, body: Buffer): Promise<void> {
    if (this.#underWay >= UNDER_WAY_MAX) {
      return this.#refuse(id, new SpawnError("OVERLOADED", `more than ${UNDER_WAY_MAX} requests`));
    }
    this.#underWay++;
    try {
      const answer = await this.#answer(kind, body);
      this.#connection.answer(id, FrameKind.done, answer.body as Uint8Array);
    } catch (thrown) {
      const error = asSpawnError(thrown);
      if (error.code === "INTERNAL") {
        this.#parts.log("error", "request-failed", { via: "stream", ...unexpected(thrown) });
      }
      this.#refuse(id, error);
    } finally {
      this.#underWay--;
    }
  }

  async #answer(kind: number, body: Buffer): Promise<Answer> {
    const { systems, identity } = this.#parts;
    switch (kind) {
      case FrameKind.invoke:
        return await invoke(systems, { params: {}, headers: {}, body, identity });
      case FrameKind.register:
        return await this.#register(body);
      case FrameKind.leaving:
        this.#host?.detach(this.#connection);
        return NOTHING;
      default:
        throw new SpawnError("INVALID_ARGUMENT", `requests of kind ${kind} are for hosts`);
    }
  }

  async #register(body: Buffer): Promise<Answer> {
    const { registering, identity } = this.#parts;
    const before = this.#host;
    try {
      return await register(registering, { body, identity }, () => this.#attached());
    } catch (error) {
      if (before === undefined) this.#host?.detach(this.#connection);
      this.#host = before;
      throw error;
    }
  }

  /** Who registers has its stream from then on: others that register meanwhile would take it for gone. */
  #attached(): StreamHost {
    const host = this.#parts.hostOf();
    this.#host = host;
    if (this.#connection.isOpen) host.attach(this.#connection);
    return host;
  }

  #refuse(id: number, error: SpawnError): void {
    this.#connection.answer(id, FrameKind.failed, refusalBody(error));
  }
}

function tooLarge(bytes: number, bytesMax: number): SpawnError {
  if (bytes <= bytesMax) return new SpawnError("OVERLOADED", TOO_MANY_UNFINISHED);
  return new SpawnError(
    "PAYLOAD_TOO_LARGE",
    `the body: expected at most ${bytesMax} bytes, got ${bytes}`,
  );
}
