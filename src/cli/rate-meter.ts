/** Time over which a rate is taken, ms. */
const WINDOW_MS = 5_000;
/** Samples kept; more than the window holds at the rate at which a job is looked at. */
const SAMPLES_MAX = 64;

/** How fast a counter rises, over its last seconds. Told the time. */
export class RateMeter {
  readonly #samples: { readonly ms: number; readonly count: number }[] = [];

  add(ms: number, count: number): void {
    this.#samples.push({ ms, count });
    // The newest sample at or before the window's start stays: the rate is taken from it.
    while (
      this.#samples.length > 2 &&
      (this.#samples[1]!.ms <= ms - WINDOW_MS || this.#samples.length > SAMPLES_MAX)
    )
      this.#samples.shift();
  }

  /** Per second; 0 until there are two samples. */
  get perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.ms <= first.ms) return 0;
    return Math.max(0, ((last.count - first.count) * 1_000) / (last.ms - first.ms));
  }
}
