/**
 * Reads one HTTP/1 response from the bytes of a connection.
 *
 * Understands what servers of SDKs send: a Content-Length, chunks, and a body that ends with the
 * connection (HTTP/1.0). Whatever is malformed is refused, so that the bytes of one answer are never
 * taken for those of another.
 */

export interface HttpResponse {
  readonly status: number;
  readonly body: Uint8Array;
  /** Whether another request may follow on the connection. */
  readonly isReusable: boolean;
}

/** What came is no HTTP response, or larger than it may be. */
export class BadResponse extends Error {}

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const HEAD_BYTES_MAX = 64 * 1024;
const CHUNK_LINE_BYTES_MAX = 1024;
const NO_BYTES = Buffer.alloc(0);
/** A body that came in more parts is put together on the way: each part costs more than a few bytes do. */
const PARTS_MAX = 1_024;

/** How the body ends. */
type Framing =
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunks" }
  | { readonly kind: "close" };

interface Head {
  readonly status: number;
  readonly framing: Framing;
  readonly isReusable: boolean;
}

export class ResponseReader {
  readonly #bodyBytesMax: number;
  #unread: Buffer = NO_BYTES;
  #head: Head | undefined;
  #parts: Buffer[] = [];
  #bodyBytes = 0;
  /** What is still to come of a chunk; `undefined` between chunks. */
  #chunkBytesLeft: number | undefined;
  #isAtLastChunk = false;

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax;
  }

  /**
   * Takes some more bytes; the response when it is complete.
   *
   * @throws {BadResponse}
   */
  read(bytes: Buffer): HttpResponse | undefined {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const { framing } = this.#head;
    switch (framing.kind) {
      case "length":
        return this.#readLength(framing.length);
      case "chunks":
        return this.#readChunks();
      case "close":
        this.#take(this.#unread.length);
        return undefined;
    }
  }

  /** The connection has ended; the response if that completes it. */
  end(): HttpResponse | undefined {
    return this.#head?.framing.kind === "close" ? this.#finish() : undefined;
  }

  /** The head of the final response; interim ones are skipped. */
  #readHead(): Head | undefined {
    for (;;) {
      const end = this.#unread.indexOf(HEAD_END);
      if (end < 0) {
        if (this.#unread.length > HEAD_BYTES_MAX) throw new BadResponse("its head does not end");
        return undefined;
      }
      const text = this.#unread.toString("latin1", 0, end);
      this.#unread = this.#unread.subarray(end + HEAD_END.length);
      const head = headOf(text);
      if (head.status >= 200) return head;
    }
  }

  #readLength(length: number): HttpResponse | undefined {
    if (length > this.#bodyBytesMax) throw this.#tooLarge();
    // A large body comes in many parts, and is put together once.
    this.#take(Math.min(this.#unread.length, length - this.#bodyBytes));
    return this.#bodyBytes === length ? this.#finish() : undefined;
  }

  #readChunks(): HttpResponse | undefined {
    while (!this.#isAtLastChunk) {
      const isRead = this.#chunkBytesLeft === undefined ? this.#readSize() : this.#readChunk();
      if (!isRead) return undefined;
    }
    return this.#readTrailer();
  }

  /** Answers whether the line has come with which a chunk begins. */
  #readSize(): boolean {
    const lineEnd = this.#unread.indexOf(LINE_END);
    if (lineEnd < 0) {
      if (this.#unread.length > CHUNK_LINE_BYTES_MAX) throw new BadResponse("a chunk has no size");
      return false;
    }
    const size = chunkSize(this.#unread.toString("latin1", 0, lineEnd));
    if (size > this.#bodyBytesMax) throw this.#tooLarge();
    this.#unread = this.#unread.subarray(lineEnd + LINE_END.length);
    this.#isAtLastChunk = size === 0;
    this.#chunkBytesLeft = size;
    return true;
  }

  /** Takes what has come of a chunk; answers whether that is all of it. */
  #readChunk(): boolean {
    const count = Math.min(this.#unread.length, this.#chunkBytesLeft!);
    this.#take(count);
    this.#chunkBytesLeft! -= count;
    if (this.#chunkBytesLeft! > 0 || this.#unread.length < LINE_END.length) return false;
    if (!this.#unread.subarray(0, LINE_END.length).equals(LINE_END)) {
      throw new BadResponse("a chunk does not end where its size says");
    }
    this.#unread = this.#unread.subarray(LINE_END.length);
    this.#chunkBytesLeft = undefined;
    return true;
  }

  #readTrailer(): HttpResponse | undefined {
    for (;;) {
      const lineEnd = this.#unread.indexOf(LINE_END);
      if (lineEnd < 0) {
        if (this.#unread.length > HEAD_BYTES_MAX) throw new BadResponse("its trailer does not end");
        return undefined;
      }
      this.#unread = this.#unread.subarray(lineEnd + LINE_END.length);
      if (lineEnd === 0) return this.#finish();
    }
  }

  /** Moves bytes from what is unread to the body. */
  #take(count: number): void {
    if (count === 0) return;
    this.#bodyBytes += count;
    if (this.#bodyBytes > this.#bodyBytesMax) throw this.#tooLarge();
    this.#parts.push(this.#unread.subarray(0, count));
    if (this.#parts.length >= PARTS_MAX) this.#parts = [Buffer.concat(this.#parts)];
    this.#unread = this.#unread.subarray(count);
  }

  #finish(): HttpResponse {
    const { status, isReusable } = this.#head!;
    const [only = NO_BYTES] = this.#parts;
    const body = this.#parts.length <= 1 ? only : Buffer.concat(this.#parts, this.#bodyBytes);
    // What follows belongs to no request of ours.
    return { status, body, isReusable: isReusable && this.#unread.length === 0 };
  }

  #tooLarge(): BadResponse {
    return new BadResponse(`its body is larger than ${this.#bodyBytesMax} bytes`);
  }
}

/** Heads that were read: a host sends few different ones, and those again and again. */
const known = new Map<string, Head>();
const KNOWN_MAX = 100;
const KNOWN_LENGTH_MAX = 1024;

function headOf(text: string): Head {
  const before = known.get(text);
  if (before !== undefined) return before;
  const head = parseHead(text);
  if (text.length > KNOWN_LENGTH_MAX) return head;
  if (known.size === KNOWN_MAX) known.clear();
  known.set(text, head);
  return head;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;

function parseHead(text: string): Head {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const matched = STATUS_LINE.exec(statusLine);
  if (matched === null) throw new BadResponse(`it does not begin like a response of HTTP/1`);
  const status = Number(matched[2]);
  const fields = fieldsOf(lines);
  const connection = (fields.get("connection") ?? "").toLowerCase();
  const isKept = matched[1] === "1" ? !connection.includes("close") : connection === "keep-alive";
  const framing = framingOf(status, fields);
  return { status, framing, isReusable: isKept && framing.kind !== "close" };
}

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new BadResponse("a header has no name");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    if (name === "content-length" && before !== undefined && before !== value) {
      throw new BadResponse("it has two lengths");
    }
    fields.set(name, value);
  }
  return fields;
}

function framingOf(status: number, fields: ReadonlyMap<string, string>): Framing {
  if (status === 204 || status === 304 || status < 200) return { kind: "length", length: 0 };
  const coding = fields.get("transfer-encoding")?.toLowerCase();
  if (coding === "chunked") return { kind: "chunks" };
  if (coding !== undefined) throw new BadResponse(`it has the transfer encoding ${coding}`);
  const length = fields.get("content-length");
  if (length === undefined) return { kind: "close" };
  if (!/^\d{1,15}$/.test(length)) throw new BadResponse("its length is no number");
  return { kind: "length", length: Number(length) };
}

function chunkSize(line: string): number {
  const [size = ""] = line.split(";");
  if (!/^[0-9a-f]{1,8}$/i.test(size.trim()))
    throw new BadResponse("the size of a chunk is no number");
  return Number.parseInt(size, 16);
}
