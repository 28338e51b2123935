/**
 * What is sealed, and what each value is bound to: a value that was moved to another row, another
 * commit or another purpose cannot be opened there.
 *
 * A sealed value is a byte that says what it was (text or bytes), and what `xaes.ts` makes. What cannot
 * be opened is left as it is and says why, so that it is refused where it is used, and nothing else is.
 */
import { actorKey } from "../../engine/actor-id.ts";
import type { ActorId } from "../../engine/actor-id.ts";
import type {
  Message,
  MessageHeaders,
  MessageRef,
  StoredMessage,
} from "../../engine/message-store.ts";
import {
  errorMark,
  isSealed,
  keyOfError,
  type KeyProof,
  type SealableRow,
  type Sealed,
} from "../../engine/sealed-rows.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import type { FoundRow, SystemRow } from "../../engine/system-rows.ts";
import { joinTexts, splitTexts } from "./joined-texts.ts";
import type { Keyring } from "./keyring.ts";

const TEXT = 1;
const BYTES = 2;

/** What is in clear where everything should be encrypted. */
const IN_CLEAR: Sealed = {
  keyId: "",
  bytes: new Uint8Array(0),
  problem: "is stored in clear text, expected it encrypted (encryption is required)",
};

export class Sealing {
  readonly keyring: Keyring;

  constructor(keyring: Keyring) {
    this.keyring = keyring;
  }

  // States.

  sealState<State extends StoredState>(actor: ActorId, stored: State): State {
    const { state } = stored;
    if (state === undefined || isSealed(state)) return stored;
    return { ...stored, state: this.#seal(state, boundState(actor, stored)) };
  }

  openState<State extends StoredState>(actor: ActorId, stored: State): State {
    const { state } = stored;
    if (state === undefined) return stored;
    if (!isSealed(state)) return this.keyring.isRequired ? { ...stored, state: IN_CLEAR } : stored;
    return { ...stored, state: this.#open(state, boundState(actor, stored)) };
  }

  // Replies, together with the fingerprints of their requests.

  sealReply(actor: ActorId, stored: StoredReply): StoredReply {
    const { reply, fingerprint } = stored;
    if (isSealed(reply)) return stored;
    const joined = joinTexts([fingerprint, reply]);
    return { ...stored, fingerprint: "", reply: this.#seal(joined, boundReply(actor, stored)) };
  }

  openReply(actor: ActorId, stored: StoredReply): StoredReply {
    const { reply } = stored;
    if (!isSealed(reply)) return this.keyring.isRequired ? { ...stored, reply: IN_CLEAR } : stored;
    const opened = this.#openText(reply, boundReply(actor, stored));
    if (isSealed(opened)) return { ...stored, reply: opened };
    const [fingerprint, text] = splitTexts(opened);
    return { ...stored, fingerprint: fingerprint ?? "", reply: text };
  }

  // Messages: payload and headers.

  sealMessage<Sent extends Message>(message: Sent): Sent {
    const { payload, headers } = message;
    if (isSealed(payload)) return message;
    const joined = joinTexts([payload, JSON.stringify(headers)]);
    const sealed = this.#seal(joined, boundMessage(message));
    return { ...message, payload: sealed, headers: { kind: headers.kind } };
  }

  openMessage<Stored extends Message & Partial<Pick<StoredMessage, "error">>>(
    message: Stored,
  ): Stored {
    const { payload } = message;
    const error = message.error && this.#openError(message, message.error);
    if (!isSealed(payload)) {
      return this.keyring.isRequired
        ? { ...message, payload: IN_CLEAR, error }
        : { ...message, error };
    }
    const opened = this.#openText(payload, boundMessage(message));
    if (isSealed(opened)) return { ...message, payload: opened, error };
    const [text, headers] = splitTexts(opened);
    return {
      ...message,
      payload: text ?? null,
      headers: JSON.parse(headers ?? "null") as MessageHeaders,
      error,
    };
  }

  /** Why a message failed, which may quote it; a text, since statestores keep it as one. */
  sealError<Text extends string | undefined>(message: MessageRef, error: Text): Text {
    if (error === undefined) return error;
    const { keyId, bytes } = this.#seal(error, boundError(message));
    return `${errorMark(keyId)}${Buffer.from(bytes).toString("base64")}` as Text;
  }

  #openError(message: MessageRef, error: string): string {
    const keyId = keyOfError(error);
    if (keyId === undefined) return error;
    const bytes = Buffer.from(error.slice(errorMark(keyId).length), "base64");
    const opened = this.#openText({ keyId, bytes }, boundError(message));
    return isSealed(opened) ? `the reason ${opened.problem ?? ""}` : opened;
  }

  // Keys.

  /** Evidence of the active key. */
  prove(): KeyProof {
    const { keyId, bytes } = this.#seal("", boundProof(this.keyring.activeId));
    return { keyId, proof: bytes };
  }

  /** Whether the key of that id is the one that gave the proof. */
  isProven({ keyId, proof }: KeyProof): boolean {
    return !isSealed(this.#open({ keyId, bytes: proof }, boundProof(keyId)));
  }

  /** The row under the active key, or what of it cannot be opened, with the reason. */
  reseal(row: SealableRow): SealableRow | Sealed {
    switch (row.kind) {
      case "state":
      case "revision": {
        const opened = this.openState(row.actor, row.stored);
        if (isSealed(opened.state)) return opened.state;
        return { ...row, stored: this.sealState(row.actor, opened) };
      }
      case "reply": {
        const opened = this.openReply(row.actor, row.stored);
        if (isSealed(opened.reply)) return opened.reply;
        return { ...row, stored: this.sealReply(row.actor, opened) };
      }
      case "message":
      case "parked": {
        const opened = this.openMessage(row.stored);
        if (isSealed(opened.payload)) return opened.payload;
        const error = this.sealError(opened, opened.error);
        return { ...row, stored: { ...this.sealMessage(opened), error } };
      }
    }
  }

  // Rows that are carried to another statestore.

  /** The row under the active key, unless it is sealed. */
  sealRow(row: SystemRow): SystemRow {
    switch (row.kind) {
      case "state":
        return { ...row, stored: this.sealState(row.actor, row.stored) };
      case "revision":
        return { ...row, stored: this.sealState(row.actor, row.stored) };
      case "index":
        return row;
      case "reply":
        return { ...row, stored: this.sealReply(row.actor, row.stored) };
      case "message":
        return { ...row, stored: this.#sealWaiting(row.stored) };
      case "parked":
        return { ...row, stored: this.#sealWaiting(row.stored) };
    }
  }

  /** The row in clear; what cannot be opened is left as it is and says why. */
  openRow(row: FoundRow): FoundRow {
    switch (row.kind) {
      case "damaged":
        return row;
      case "state":
        return { ...row, stored: this.openState(row.actor, row.stored) };
      case "revision":
        return { ...row, stored: this.openState(row.actor, row.stored) };
      case "index":
        return row;
      case "reply":
        return { ...row, stored: this.openReply(row.actor, row.stored) };
      case "message":
        return { ...row, stored: this.openMessage(row.stored) };
      case "parked":
        return { ...row, stored: this.openMessage(row.stored) };
    }
  }

  #sealWaiting<Stored extends StoredMessage>(message: Stored): Stored {
    if (isSealed(message.payload)) return message;
    return { ...this.sealMessage(message), error: this.sealError(message, message.error) };
  }

  #seal(value: string | Uint8Array, bound: string): Sealed {
    const bytes = this.keyring.active.seal(value, bound, 1);
    bytes[0] = typeof value === "string" ? TEXT : BYTES;
    return { keyId: this.keyring.activeId, bytes };
  }

  /** What was sealed, or the same with the reason why it cannot be opened. */
  #open(sealed: Sealed, bound: string): string | Uint8Array | Sealed {
    const { keyId, bytes } = sealed;
    if (sealed.problem !== undefined) return sealed;
    const key = this.keyring.get(keyId);
    if (key === undefined) return { ...sealed, problem: this.#unknown(keyId) };
    const form = bytes[0];
    if (form !== TEXT && form !== BYTES) return { ...sealed, problem: damaged(keyId) };
    try {
      const plain = key.open(bytes.subarray(1), bound);
      return form === TEXT ? plain.toString("utf8") : new Uint8Array(plain);
    } catch {
      return { ...sealed, problem: damaged(keyId) };
    }
  }

  #openText(sealed: Sealed, bound: string): string | Sealed {
    const opened = this.#open(sealed, bound);
    return opened instanceof Uint8Array ? { ...sealed, problem: damaged(sealed.keyId) } : opened;
  }

  #unknown(keyId: string): string {
    if (this.keyring.lostIds.includes(keyId)) {
      return `is encrypted with key "${keyId}", which is lost`;
    }
    const known = this.keyring.ids.map((id) => `"${id}"`).join(", ");
    return `is encrypted with key "${keyId}", and there are keys ${known} only`;
  }
}

function damaged(keyId: string): string {
  return `cannot be decrypted with key "${keyId}": expected what this program has encrypted for this very row; it is damaged, was moved here, or another key has this id`;
}

// What a value is bound to. A name has no NUL, which an actor's key ends with; what may be any text comes last.

function boundState(actor: ActorId, { codec, stateVersion, etag }: StoredState): string {
  return `state ${actorKey(actor)}${codec} ${stateVersion} ${etag}`;
}

function boundReply(actor: ActorId, { kind, expiresAt, key }: StoredReply): string {
  return `reply ${actorKey(actor)}${kind} ${expiresAt} ${key}`;
}

function boundMessage(message: Message): string {
  const { source, target, headers, action } = message;
  const from = source === undefined ? "" : actorKey(source);
  return `message ${refText(message)}\0${from}to ${actorKey(target)}${headers.kind} ${action}`;
}

function boundError(message: MessageRef): string {
  return `error ${refText(message)}`;
}

/** An id may be used anew, so it says only together with the time which message is meant. */
function refText({ id, sentAt }: MessageRef): string {
  return `${sentAt} ${id}`;
}

function boundProof(keyId: string): string {
  return `key ${keyId}`;
}
