import { intersectRanges, type MinuteRange, type WindowFold } from "../core/mod.ts";

/** Windows of one series that are kept folded, besides the pinned ones; a liquid day's profile is some 0.3 MB. */
export const FINISHED_WINDOWS_MAX = 4;

/** Tells whether committed minutes of a window have changed since it was made. */
export interface WindowWatch {
  readonly range: MinuteRange;
  readonly changed: boolean;
}

interface Watch extends WindowWatch {
  changed: boolean;
}

/**
 * Folds of whole windows whose minutes need not be in memory, such as a finished session out of its profile file. A commit into a
 * window ends its fold.
 */
export class FinishedWindows {
  #kept: { readonly range: MinuteRange; readonly fold: WindowFold }[] = [];
  readonly #watches = new Set<Watch>();
  readonly #pins = new Map<string, number>();

  watch(range: MinuteRange): WindowWatch {
    const watch = { range, changed: false };
    this.#watches.add(watch);
    return watch;
  }

  unwatch(watch: WindowWatch): void {
    for (const known of this.#watches) if (known === watch) this.#watches.delete(known);
  }

  /** The fold of a window stays until `release` is called as often. */
  pin(range: MinuteRange): void {
    const key = keyOf(range);
    this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
  }

  release(range: MinuteRange): void {
    const key = keyOf(range);
    const pins = (this.#pins.get(key) ?? 0) - 1;
    if (pins > 0) this.#pins.set(key, pins);
    else this.#pins.delete(key);
  }

  /** Keeps a fold; the one kept longest makes room. The fold is only read from now on. */
  put(range: MinuteRange, fold: WindowFold): void {
    this.#kept = this.#kept.filter((known) => !sameRange(known.range, range));
    const free = this.#kept.filter((known) => !this.#pins.has(keyOf(known.range)));
    for (const oldest of free.slice(0, Math.max(0, free.length + 1 - FINISHED_WINDOWS_MAX)))
      this.#kept.splice(this.#kept.indexOf(oldest), 1);
    this.#kept.push({ range, fold });
  }

  of(range: MinuteRange): WindowFold | undefined {
    return this.#kept.find((known) => sameRange(known.range, range))?.fold;
  }

  /** Committed minutes changed. */
  changed(range: MinuteRange): void {
    for (const watch of this.#watches)
      if (intersectRanges(watch.range, range) !== undefined) watch.changed = true;
    if (this.#kept.length > 0)
      this.#kept = this.#kept.filter((known) => intersectRanges(known.range, range) === undefined);
  }

  /** What is kept lies on another grid, or on other minutes, than what is asked from now on. */
  clear(): void {
    for (const watch of this.#watches) watch.changed = true;
    this.#kept = [];
  }
}

function sameRange(a: MinuteRange, b: MinuteRange): boolean {
  return a.lo === b.lo && a.hi === b.hi;
}

function keyOf({ lo, hi }: MinuteRange): string {
  return `${lo}-${hi}`;
}
