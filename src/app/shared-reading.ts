import type { Timers } from "../core/mod.ts";

/** Older than this and not known to be unmoved, a reading is not shown, ms. */
export const AGE_MAX_MS = 1_000;
/** What somebody keeps asking for is read anew at this age, in the background, ms. */
const REFRESH_AGE_MS = 400;
/** So is what nothing contradicts: a person may have written into the tables by hand. */
const UNMOVED_REFRESH_AGE_MS = 5_000;
/** Asked for within this time: somebody keeps asking. */
const KEEPS_ASKING_MS = 3_000;

export interface ReadingOptions<T> {
  /** Finds out; given what was found the time before. */
  readonly read: (former: T | undefined) => Promise<T>;
  /** False for what must not be shown any more, however young. */
  readonly holds: (value: T) => boolean;
  /** True for what still is as it was found. */
  readonly unmoved: (value: T) => boolean;
  readonly timers: Pick<Timers, "now">;
}

interface Taken<T> {
  readonly value: T;
  /** When the read began: what was committed before then is in it. */
  readonly beganAt: number;
  /** Higher is newer. */
  readonly no: number;
}

/** One thing that many ask for: read once for all of them, never twice at the same time, and kept for a second. */
export class SharedReading<T> {
  readonly #options: ReadingOptions<T>;
  #begun = 0;
  #newest: Taken<T> | undefined;
  #reading: Promise<Taken<T>> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReadingOptions<T>) {
    this.#options = options;
  }

  /**
   * The newest reading that may be shown. Without one it is read; a read that began after this was called may always be shown, so
   * nobody waits for more than two. `fresh`: only such a read will do. Rejects as the read does.
   */
  async get({ fresh = false } = {}): Promise<T> {
    this.#askedAt = this.#options.timers.now();
    const before = this.#begun;
    let taken = this.#newest;
    while (taken === undefined || (taken.no <= before && (fresh || !this.#isGood(taken))))
      taken = await this.#refresh();
    return taken.value;
  }

  /** True while somebody keeps asking. */
  get wanted(): boolean {
    return this.#options.timers.now() - this.#askedAt <= KEEPS_ASKING_MS;
  }

  /** How old it is beyond the age at which it is read anew, ms; not above 0: not yet. */
  get overdueMs(): number {
    const { holds, unmoved, timers } = this.#options;
    const now = timers.now();
    if (this.#newest === undefined || this.#reading !== undefined || now - this.#failedAt < REFRESH_AGE_MS)
      return 0;
    const { value, beganAt } = this.#newest;
    if (!holds(value)) return Number.POSITIVE_INFINITY;
    return now - beganAt - (unmoved(value) ? UNMOVED_REFRESH_AGE_MS : REFRESH_AGE_MS);
  }

  /** Reads in the background. What fails is told to the next who asks. */
  async refresh(): Promise<void> {
    try {
      await this.#refresh();
    } catch {
      this.#failedAt = this.#options.timers.now();
    }
  }

  #isGood({ value, beganAt }: Taken<T>): boolean {
    const { holds, unmoved, timers } = this.#options;
    return holds(value) && (timers.now() - beganAt <= AGE_MAX_MS || unmoved(value));
  }

  #refresh(): Promise<Taken<T>> {
    this.#reading ??= this.#take().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #take(): Promise<Taken<T>> {
    const no = ++this.#begun;
    const beganAt = this.#options.timers.now();
    const value = await this.#options.read(this.#newest?.value);
    this.#newest = { value, beganAt, no };
    return this.#newest;
  }
}
