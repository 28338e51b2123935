/** Goes through the fields of a message of protobuf, as far as they are usual ones. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A number of as many bytes is exact. */
const VARINT_BYTES_MAX = 7;
const FIELD_MAX = 2 ** 29 - 1;
const INT32_MAX = 2 ** 31 - 1;

/** What is thrown at everything that {@link FieldCursor} does not read; it costs no stack. */
export const UNUSUAL: unknown = Object.freeze({ isUnusual: true });

/** Comes with nearly every value, so it is not made anew each time. */
const JSON_TYPE = "type.googleapis.com/spawn.JSONType";
const JSON_TYPE_BYTES = Buffer.from(JSON_TYPE);

export class FieldCursor {
  readonly #bytes: Buffer;
  #at = 0;
  /** The number of the field that {@link next} has come to. */
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Goes to the next field, if there is one before `end`. */
  next(end: number): boolean {
    if (this.#at >= end) {
      if (this.#at > end) throw UNUSUAL;
      return false;
    }
    const tag = this.#varint();
    this.wireType = tag % 8;
    this.field = (tag - this.wireType) / 8;
    if (this.field < 1 || this.field > FIELD_MAX) throw UNUSUAL;
    return true;
  }

  /** Where the value of this field ends, which is not after `end`; the cursor is at its beginning then. */
  enter(end: number): number {
    if (this.wireType !== LENGTH_DELIMITED) throw UNUSUAL;
    const length = this.#varint();
    const itsEnd = this.#at + length;
    if (itsEnd > end) throw UNUSUAL;
    return itsEnd;
  }

  text(end: number): string {
    const itsEnd = this.enter(end);
    const from = this.#at;
    for (let at = from; at < itsEnd; at++) if (this.#bytes[at]! > 0x7f) throw UNUSUAL;
    this.#at = itsEnd;
    return this.#bytes.toString("latin1", from, itsEnd);
  }

  /** A text that is the name of a type. */
  typeUrl(end: number): string {
    const before = this.#at;
    const itsEnd = this.enter(end);
    const isJson =
      itsEnd - this.#at === JSON_TYPE_BYTES.length &&
      this.#bytes.compare(JSON_TYPE_BYTES, 0, JSON_TYPE_BYTES.length, this.#at, itsEnd) === 0;
    if (!isJson) {
      this.#at = before;
      return this.text(end);
    }
    this.#at = itsEnd;
    return JSON_TYPE;
  }

  /** A view of the bytes of this field. */
  view(end: number): Uint8Array {
    const itsEnd = this.enter(end);
    const view = this.#bytes.subarray(this.#at, itsEnd);
    this.#at = itsEnd;
    return view;
  }

  number(): number {
    if (this.wireType !== VARINT) throw UNUSUAL;
    return this.#varint();
  }

  /** Of an enum: beyond it values are cut, or negative. */
  enumValue(): number {
    const value = this.number();
    if (value > INT32_MAX) throw UNUSUAL;
    return value;
  }

  boolean(): boolean {
    const number = this.number();
    if (number > 1) throw UNUSUAL;
    return number === 1;
  }

  /** The value of this field as it lies there, with its length if it has one. */
  raw(end: number): Uint8Array {
    const from = this.#at;
    if (this.wireType === VARINT) this.#varint();
    else this.#at = this.enter(end);
    return this.#bytes.subarray(from, this.#at);
  }

  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw UNUSUAL;
      if (byte < 0x80) return value + byte * factor;
      value += (byte - 0x80) * factor;
      factor *= 0x80;
    }
    throw UNUSUAL;
  }
}
