/** What was computed for a key, for the last `max` keys that were asked for the first time. */
export class BoundedCache<Value extends object | number | string> {
  readonly #max: number;
  readonly #values = new Map<number, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#values.size;
  }

  /** The value of a key; `compute` is called when it is not kept, and must answer the same for the same key. */
  get(key: number, compute: (key: number) => Value): Value {
    const kept = this.#values.get(key);
    if (kept !== undefined) return kept;
    const value = compute(key);
    if (this.#values.size >= this.#max) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest);
        break;
      }
    }
    this.#values.set(key, value);
    return value;
  }
}
