import type { MinuteRange } from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";

/** Counts by UTC day how often what its minutes contribute has changed, so that whoever kept a fold of them can tell. */
export class DayChanges {
  readonly #byDay = new Map<number, number>();
  #ofAll = 0;

  /** Minutes of a range changed. */
  note(range: MinuteRange): void {
    for (const day of daysOf(range)) this.#byDay.set(day, (this.#byDay.get(day) ?? 0) + 1);
  }

  /** Every day changed. */
  noteAll(): void {
    this.#ofAll++;
  }

  /** Grows with every change of a day that the range touches: equal numbers, equal minutes. */
  of(range: MinuteRange): number {
    const days = daysOf(range);
    return days.reduce((sum, day) => sum + (this.#byDay.get(day) ?? 0), this.#ofAll * days.length);
  }
}
