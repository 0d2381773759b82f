import { intersectRanges, invariant, type MinuteRange, rangeLength } from "../core/mod.ts";
import { type CertifierSource, WindowCertifier } from "./window-certifier.ts";

/** Windows of one series whose profiles are kept ready; the one longest unused makes room. About 2 MB each, of 20,000 bins. */
export const CERTIFIERS_MAX = 6;

/** Minutes of the widest window that is certified: a session over a weekend and a clock change, not a month. */
export const CERTIFY_MINUTES_MAX = 7 * 1_440;

/** The certifiers of one series, by window and coarseness. */
export class Certifiers {
  readonly #sourceOf: (range: MinuteRange) => CertifierSource;
  /** The longest unused first. */
  readonly #kept = new Map<string, WindowCertifier>();

  constructor(sourceOf: (range: MinuteRange) => CertifierSource) {
    this.#sourceOf = sourceOf;
  }

  /** Made when there is none. */
  of(range: MinuteRange, coarser: number): WindowCertifier {
    const key = `${range.lo}-${range.hi}/${coarser}`;
    const length = rangeLength(range);
    invariant(length <= CERTIFY_MINUTES_MAX, `a window of ${length} minutes is not certified`);
    const certifier = this.#kept.get(key) ?? new WindowCertifier(range, coarser, this.#sourceOf(range));
    this.#kept.delete(key);
    this.#kept.set(key, certifier);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= CERTIFIERS_MAX) break;
      this.#drop(oldest);
    }
    return certifier;
  }

  changed(range: MinuteRange): void {
    for (const certifier of this.#kept.values()) certifier.changed(range);
  }

  /** Those of just this window are no longer needed. */
  dropOf({ lo, hi }: MinuteRange): void {
    for (const [key, { range }] of this.#kept) if (range.lo === lo && range.hi === hi) this.#drop(key);
  }

  /** Those that a range touches have lost what they stand on. */
  dropTouching(lost: MinuteRange): void {
    for (const [key, { range }] of this.#kept)
      if (intersectRanges(range, lost) !== undefined) this.#drop(key);
  }

  dropAll(): void {
    for (const key of this.#kept.keys()) this.#drop(key);
  }

  #drop(key: string): void {
    this.#kept.get(key)?.close();
    this.#kept.delete(key);
  }
}
