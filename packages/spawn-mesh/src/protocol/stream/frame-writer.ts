/**
 * Sends frames, those of one turn of the event loop in a few writes: what many calls say at the same time
 * costs little more than what one says.
 */
import type { Socket } from "node:net";
import { HEAD_BYTES } from "./frames.ts";
import type { FrameKind } from "./frames.ts";

/**
 * So many frames leave without waiting for the turn to end. Were it all of them, the calls of a program
 * would go round in one column, and only one process would be at work at a time.
 */
const FRAMES_A_WRITE = 16;

/** Larger bodies are handed over as they are; copying smaller ones is cheaper than a write of their own. */
const COPIED_BYTES_MAX = 16 * 1024;

interface Outgoing {
  readonly kind: FrameKind;
  readonly id: number;
  readonly body: Uint8Array;
}

export class FrameWriter {
  readonly #socket: Socket;
  readonly #onWritten: () => void;
  #waiting: Outgoing[] = [];
  #waitingBytes = 0;
  #isScheduled = false;

  /** @param onWritten is called each time that something was handed over to the connection */
  constructor(socket: Socket, onWritten: () => void) {
    this.#socket = socket;
    this.#onWritten = onWritten;
  }

  /** Bytes that the other end has not taken. */
  get unsentBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  send(kind: FrameKind, id: number, body: Uint8Array): void {
    this.#waiting.push({ kind, id, body });
    this.#waitingBytes += HEAD_BYTES + body.length;
    if (this.#waiting.length >= FRAMES_A_WRITE) return this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /** Hands all over to the connection now. */
  flush(): void {
    const frames = this.#waiting;
    if (frames.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!this.#socket.writable) return;
    let from = 0;
    this.#socket.cork();
    for (const [index, { body }] of frames.entries()) {
      if (body.length <= COPIED_BYTES_MAX) continue;
      this.#write(frames, from, index + 1);
      this.#socket.write(body);
      from = index + 1;
    }
    this.#write(frames, from, frames.length);
    this.#socket.uncork();
    this.#onWritten();
  }

  /** Writes some frames as one piece; of one that is large, the head. */
  #write(frames: readonly Outgoing[], from: number, to: number): void {
    let size = 0;
    for (let index = from; index < to; index++) size += sizeInPiece(frames[index]!);
    if (size === 0) return;
    const piece = Buffer.allocUnsafe(size);
    let at = 0;
    for (let index = from; index < to; index++) {
      const frame = frames[index]!;
      const { kind, id, body } = frame;
      piece.writeUInt32BE(body.length, at);
      piece[at + 4] = kind;
      piece.writeUInt32BE(id, at + 5);
      if (body.length <= COPIED_BYTES_MAX) piece.set(body, at + HEAD_BYTES);
      at += sizeInPiece(frame);
    }
    this.#socket.write(piece);
  }
}

function sizeInPiece({ body }: Outgoing): number {
  return HEAD_BYTES + (body.length <= COPIED_BYTES_MAX ? body.length : 0);
}
