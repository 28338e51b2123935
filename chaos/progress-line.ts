/** One line that says how far a program is: drawn again on a terminal, written now and then elsewhere. */

/** What it needs of `process.stdout` or `process.stderr`. */
interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const DRAW_PERIOD_MS = 80;
const WRITE_PERIOD_MS = 2_000;
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = "\r\u001B[K";

export class ProgressLine {
  readonly #stream: Terminal;
  readonly #periodMs: number;
  #shownAt = -Infinity;

  constructor(stream: Terminal = process.stderr) {
    this.#stream = stream;
    this.#periodMs = stream.isTTY === true ? DRAW_PERIOD_MS : WRITE_PERIOD_MS;
  }

  /** Shows what `line` returns, unless something was shown a moment ago. */
  show(line: () => string): void {
    const now = performance.now();
    if (now - this.#shownAt < this.#periodMs) return;
    this.#shownAt = now;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${line()}\n`);
      return;
    }
    // Some terminals say that they have 0 columns.
    const columns = this.#stream.columns || COLUMNS_DEFAULT;
    this.#stream.write(CLEAR_LINE + line().slice(0, columns - 1));
  }

  /** Writes a line that stays. */
  note(line: string): void {
    this.end();
    this.#stream.write(`${line}\n`);
  }

  /** Leaves an empty line for what follows. */
  end(): void {
    if (this.#stream.isTTY !== true) return;
    this.#stream.write(CLEAR_LINE);
    this.#shownAt = -Infinity;
  }
}

const BLOCKS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const FULL = "█";

/** A bar that is `fraction` full. */
export function bar(fraction: number, width = 24): string {
  const eighths = Math.round(Math.min(Math.max(fraction, 0), 1) * width * 8);
  const drawn = FULL.repeat(Math.floor(eighths / 8)) + BLOCKS[eighths % 8];
  return `▕${drawn.padEnd(width)}▏`;
}
