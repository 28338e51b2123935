/** Latencies in buckets of about 2 %, so that millions of them take no memory. */
const BUCKETS_PER_POWER = 32;
const POWERS = 48;

export class Histogram {
  readonly #buckets = new Uint32Array(POWERS * BUCKETS_PER_POWER);
  #count = 0;

  record(nanoseconds: number): void {
    const bucket = nanoseconds < 1 ? 0 : Math.trunc(Math.log2(nanoseconds) * BUCKETS_PER_POWER);
    this.#buckets[bucket]!++;
    this.#count++;
  }

  /** Takes in what another one has recorded. */
  add(other: Histogram): void {
    for (const [bucket, count] of other.#buckets.entries()) this.#buckets[bucket]! += count;
    this.#count += other.#count;
  }

  /** In microseconds; `null` when nothing was recorded. */
  percentileUs(fraction: number): number | null {
    const target = Math.ceil(this.#count * fraction);
    if (target === 0) return null;
    let seen = 0;
    const bucket = this.#buckets.findIndex((count) => (seen += count) >= target);
    return round(2 ** ((bucket + 0.5) / BUCKETS_PER_POWER) / 1000);
  }
}

/** Four digits that mean something. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}
