/** How often a value fell between which bounds, as plain numbers: nothing is allocated per value. */

export class Histogram {
  /** Upper bounds, the smallest first. */
  readonly bounds: readonly number[];
  /** How many values were at most each bound and above the one before; the last is for all larger ones. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > this.bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += value;
  }
}
