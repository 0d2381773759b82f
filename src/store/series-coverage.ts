import {
  Coverage,
  type KnownWindow,
  type MinuteRange,
  rangeLength,
  type WindowCoverage,
} from "../core/mod.ts";

export type WindowKnowledge = Pick<KnownWindow, "coverage" | "whole">;

/**
 * Which minutes of a series are known. A minute is *committed* (a segment of the tape owns it) or *sealed* (live trades
 * proved it whole, its segment is not written yet): both are covered.
 */
export class SeriesCoverage {
  #committed: Coverage = Coverage.empty;
  #sealed: Coverage = Coverage.empty;
  /** Both of them; undefined after a change. */
  #covered: Coverage | undefined;
  /** From this minute on, live trades arrive without a break; undefined while they do not. */
  receivingFrom: number | undefined;

  get committed(): Coverage {
    return this.#committed;
  }

  get sealed(): Coverage {
    return this.#sealed;
  }

  get covered(): Coverage {
    this.#covered ??= Coverage.of([...this.#committed.ranges, ...this.#sealed.ranges]);
    return this.#covered;
  }

  has(minute: number): boolean {
    return this.#committed.has(minute) || this.#sealed.has(minute);
  }

  resetCommitted(ranges: Iterable<MinuteRange>): void {
    this.#committed = Coverage.of(ranges);
    this.#covered = undefined;
  }

  commit(range: MinuteRange): void {
    this.#committed = this.#committed.add(range);
    this.#sealed = this.#sealed.subtract(range);
    this.#covered = undefined;
  }

  seal(range: MinuteRange): void {
    this.#sealed = this.#sealed.add(range);
    this.#covered = undefined;
  }

  uncover(range: MinuteRange): void {
    this.#committed = this.#committed.subtract(range);
    this.#sealed = this.#sealed.subtract(range);
    this.#covered = undefined;
  }

  /** Of the minutes of a window before `expectedEnd`. */
  of(range: MinuteRange, expectedEnd: number): WindowCoverage {
    const expected: MinuteRange = { lo: range.lo, hi: Math.max(range.lo, Math.min(range.hi, expectedEnd)) };
    const covered = this.covered.within(expected);
    return {
      expectedMinutes: rangeLength(expected),
      coveredMinutes: covered.size,
      missing: covered.missing(expected),
    };
  }

  knowledge(range: MinuteRange, expectedEnd: number, nowMinute: number): WindowKnowledge {
    return { coverage: this.of(range, expectedEnd), whole: this.isWhole(range, nowMinute) };
  }

  /** The part of a window up to and with the running minute that live trades do not bring by themselves. */
  owed(range: MinuteRange, nowMinute: number): MinuteRange {
    const hi = Math.min(range.hi, nowMinute + 1);
    return { lo: range.lo, hi: Math.min(hi, Math.max(range.lo, this.receivingFrom ?? hi)) };
  }

  /** Whether every minute of a window up to and with the running one is covered, or is being received from its start. */
  isWhole(range: MinuteRange, nowMinute: number): boolean {
    return this.covered.covers(this.owed(range, nowMinute));
  }
}
