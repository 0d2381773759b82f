/** Lets one through per interval and key. Told the time; keys are few (one for each symbol and kind). */
export class Throttle {
  readonly #intervalMs: number;
  readonly #lastMs = new Map<string, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  passes(nowMs: number, key = ""): boolean {
    const last = this.#lastMs.get(key);
    if (last !== undefined && nowMs - last < this.#intervalMs) return false;
    this.#lastMs.set(key, nowMs);
    return true;
  }
}
