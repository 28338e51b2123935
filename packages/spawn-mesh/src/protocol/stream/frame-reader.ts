/** Finds the frames in the bytes of a connection. Nothing is copied but a frame that came in parts. */
import { HEAD_BYTES } from "./frames.ts";

export interface FrameListener {
  frame(kind: number, id: number, body: Buffer): void;
  /** A frame whose body is larger than it may be, or was dropped. It is not kept, and comes to no `frame`. */
  tooLarge(kind: number, id: number, bytes: number): void;
}

const NO_BYTES = Buffer.alloc(0);
/** A body that came in more parts is put together on the way: each part costs more than a few bytes do. */
const PARTS_MAX = 1_024;

/** A frame of which not all has come. */
interface OpenFrame {
  readonly kind: number;
  readonly id: number;
  readonly bytes: number;
  /** `undefined` for one that is not kept: its bytes are thrown away. */
  parts: Buffer[] | undefined;
  missing: number;
}

export class FrameReader {
  readonly #bodyBytesMax: number;
  readonly #listener: FrameListener;
  /** The beginning of a head. */
  #head: Buffer = NO_BYTES;
  #open: OpenFrame | undefined;

  constructor(bodyBytesMax: number, listener: FrameListener) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#listener = listener;
  }

  /** Bytes that are kept of a frame of which not all has come. */
  get heldBytes(): number {
    const open = this.#open;
    return open?.parts === undefined ? 0 : open.bytes - open.missing;
  }

  /** What stands for the frame of which not all has come; another object for each frame. */
  get openFrame(): object | undefined {
    return this.#open;
  }

  /** Keeps nothing of that frame. */
  drop(): void {
    const open = this.#open;
    if (open?.parts === undefined) return;
    open.parts = undefined;
    this.#listener.tooLarge(open.kind, open.id, open.bytes);
  }

  read(chunk: Buffer): void {
    let bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    if (this.#open !== undefined) bytes = this.#goOn(this.#open, bytes);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(at);
      const kind = bytes[at + 4]!;
      const id = bytes.readUInt32BE(at + 5);
      const end = at + HEAD_BYTES + length;
      if (length > this.#bodyBytesMax) this.#listener.tooLarge(kind, id, length);
      else if (end <= bytes.length) {
        this.#listener.frame(kind, id, bytes.subarray(at + HEAD_BYTES, end));
      }
      if (end > bytes.length) {
        const came = bytes.subarray(at + HEAD_BYTES);
        const parts = length > this.#bodyBytesMax ? undefined : [came];
        this.#open = { kind, id, bytes: length, parts, missing: end - bytes.length };
      }
      at = Math.min(end, bytes.length);
    }
    this.#head = at === bytes.length ? NO_BYTES : bytes.subarray(at);
  }

  /** Takes what belongs to a frame that has begun; answers what comes after it. */
  #goOn(open: OpenFrame, bytes: Buffer): Buffer {
    const count = Math.min(open.missing, bytes.length);
    open.parts?.push(bytes.subarray(0, count));
    open.missing -= count;
    if (open.parts !== undefined && open.parts.length >= PARTS_MAX) {
      open.parts = [Buffer.concat(open.parts)];
    }
    if (open.missing > 0) return NO_BYTES;
    this.#open = undefined;
    if (open.parts !== undefined) {
      this.#listener.frame(open.kind, open.id, Buffer.concat(open.parts, open.bytes));
    }
    return bytes.subarray(count);
  }
}
