/** Millions of delays in little room: buckets of a tenth of a millisecond up to two seconds. */
export class DelayHistogram {
  static readonly #STEP_MS = 0.1;
  static readonly #BUCKETS = 20_000;
  readonly #counts = new Float64Array(DelayHistogram.#BUCKETS);
  count = 0;
  maxMs = 0;

  add(delayMs: number): void {
    const bucket = Math.floor(Math.max(0, delayMs) / DelayHistogram.#STEP_MS);
    const at = Math.min(bucket, DelayHistogram.#BUCKETS - 1);
    this.#counts[at] = this.#counts[at]! + 1;
    this.count += 1;
    this.maxMs = Math.max(this.maxMs, delayMs);
  }

  /** The delay that `percent` of them do not exceed, rounded up to the end of its bucket, ms. */
  percentile(percent: number): number {
    let left = (percent / 100) * this.count;
    for (let at = 0; at < this.#counts.length; at++) {
      left -= this.#counts[at]!;
      if (left <= 0) return (at + 1) * DelayHistogram.#STEP_MS;
    }
    return this.maxMs;
  }

  toString(): string {
    const figures = [50, 99, 99.9].map((percent) => `p${percent} ${this.percentile(percent).toFixed(1)} ms`);
    return `${figures.join("   ")}   max ${this.maxMs.toFixed(1)} ms   (${this.count.toLocaleString("en")})`;
  }
}
