import type { MinuteRange } from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";

/** `minutes`: what they contribute, or whether they are covered; `told`: what candles tell of them, or how the two compare. */
export type ChangeKind = "minutes" | "told";

/** Hears of changed minutes in the step that changes them: it notes them down, and works later. */
export type ChangeWatcher = (range: MinuteRange, kind: ChangeKind) => void;

const EVERY_MINUTE: MinuteRange = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/**
 * Which minutes of a series change: counted by UTC day, so that whoever kept a fold can tell that it is still right, and told to
 * whoever keeps something by minute.
 */
export class SeriesChanges {
  readonly #byDay = new Map<number, number>();
  readonly #watchers = new Set<ChangeWatcher>();
  #ofAll = 0;

  /** Minutes of a range changed. */
  note(range: MinuteRange): void {
    for (const day of daysOf(range)) this.#byDay.set(day, (this.#byDay.get(day) ?? 0) + 1);
    this.#tell(range, "minutes");
  }

  /** Every day changed. */
  noteAll(): void {
    this.#ofAll++;
    this.#tell(EVERY_MINUTE, "minutes");
  }

  /** What is told of minutes beside their trades changed; folds of trades are still right. */
  noteTold(range: MinuteRange): void {
    this.#tell(range, "told");
  }

  /** Grows with every change of what the days of a range contribute: equal numbers, equal minutes. */
  of(range: MinuteRange): number {
    const days = daysOf(range);
    return days.reduce((sum, day) => sum + (this.#byDay.get(day) ?? 0), this.#ofAll * days.length);
  }

  /** Calls `watcher` with every change; the answer ends it. */
  watch(watcher: ChangeWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(range: MinuteRange, kind: ChangeKind): void {
    if (range.lo < range.hi) for (const watcher of this.#watchers) watcher(range, kind);
  }
}
