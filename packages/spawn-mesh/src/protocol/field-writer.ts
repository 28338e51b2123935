/**
 * Writes messages of protobuf into one buffer that is kept, and gives each away as a copy from Node's pool:
 * a small message then costs no memory of its own.
 */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A buffer that grew beyond this for one message is not kept for the next ones. */
const BYTES_KEPT_MAX = 256 * 1024;
const BYTES_MIN = 4 * 1024;
/** A text of so many characters has a length of one byte, however many bytes they take. */
const SHORT_TEXT_MAX = 42;
const VARINT_BYTES_MAX = 10;

export class FieldWriter {
  #bytes = Buffer.allocUnsafeSlow(BYTES_MIN);
  #at = 0;
  /** Where the messages begin that are not ended. */
  readonly #begun: number[] = [];

  /** All that was written since it was called the last time. */
  finish(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(bytes, 0, 0, this.#at);
    this.#at = 0;
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#bytes = Buffer.allocUnsafeSlow(BYTES_MIN);
    return bytes;
  }

  /** What is written until {@link end} is the message in that field. */
  begin(field: number): void {
    this.#room(2 * VARINT_BYTES_MAX);
    this.#varint(field * 8 + LENGTH_DELIMITED);
    // Nearly all are shorter than what one byte can say.
    this.#begun.push(++this.#at);
  }

  end(): void {
    const start = this.#begun.pop()!;
    const length = this.#at - start;
    const lengthBytes = varintBytes(length);
    if (lengthBytes > 1) {
      this.#room(lengthBytes);
      this.#bytes.copyWithin(start + lengthBytes - 1, start, this.#at);
    }
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
  }

  text(field: number, text: string): void {
    this.#room(3 * text.length + 2 * VARINT_BYTES_MAX);
    this.#varint(field * 8 + LENGTH_DELIMITED);
    if (text.length > SHORT_TEXT_MAX) {
      this.#varint(Buffer.byteLength(text));
      this.#at += this.#bytes.write(text, this.#at);
    } else {
      const length = this.#bytes.write(text, this.#at + 1);
      this.#bytes[this.#at] = length;
      this.#at += length + 1;
    }
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#room(bytes.length + 2 * VARINT_BYTES_MAX);
    this.#varint(field * 8 + LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @param value a whole number that is not negative and safe */
  number(field: number, value: number): void {
    this.#room(2 * VARINT_BYTES_MAX);
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const size = Math.max(2 * this.#bytes.length, this.#at + count);
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) count++;
  return count;
}
