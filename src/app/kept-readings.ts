import type { Timers } from "../core/mod.ts";
import type { SharedReading } from "./shared-reading.ts";

/** Between looks at what has grown old, ms: a reading at most in each. */
const LOOK_MS = 20;

/**
 * Readings by key, the newest asked for of them. As long as somebody keeps asking for some, the one that is overdue most is read anew, one
 * at a time: whoever asks finds a young one and waits for nothing.
 */
export class KeptReadings<K, T, R extends SharedReading<T>> {
  readonly #timers: Timers;
  readonly #max: number;
  readonly #readings = new Map<K, R>();
  #refreshing = false;
  #cancelLook: (() => void) | undefined;
  #closed = false;

  /** At most `max` are kept. */
  constructor(timers: Timers, max: number) {
    this.#timers = timers;
    this.#max = max;
  }

  find(key: K): R | undefined {
    return this.#readings.get(key);
  }

  /** Keeps a reading that somebody asks for now; who was not asked for the longest makes room. */
  keep(key: K, reading: R): void {
    this.#readings.delete(key);
    this.#readings.set(key, reading);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size <= this.#max) break;
      this.#readings.delete(oldest);
    }
    if (this.#cancelLook === undefined && !this.#closed) this.#scheduleLook();
  }

  forget(key: K): void {
    this.#readings.delete(key);
  }

  /** Reads nothing more in the background. */
  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
  }

  #scheduleLook(): void {
    this.#cancelLook = this.#timers.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      const wanted = [...this.#readings.values()].filter((reading) => reading.wanted);
      if (wanted.length === 0) return;
      this.#refreshOldest(wanted);
      this.#scheduleLook();
    });
  }

  #refreshOldest(wanted: readonly R[]): void {
    if (this.#refreshing) return;
    let oldest: R | undefined;
    let overdueMs = 0;
    for (const reading of wanted)
      if (reading.overdueMs > overdueMs) {
        oldest = reading;
        overdueMs = reading.overdueMs;
      }
    if (oldest === undefined) return;
    this.#refreshing = true;
    void oldest.refresh().finally(() => {
      this.#refreshing = false;
    });
  }
}
