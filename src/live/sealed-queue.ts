import {
  Coverage,
  type MinuteRange,
  minuteOfUs,
  pickRows,
  type Scales,
  sortedUnique,
  type TradeBatch,
  TradeBatchBuilder,
  type TradeKind,
} from "../core/mod.ts";
import type { SealedMinutes } from "./seam.ts";

/** Sealed minutes of one series that wait for their segment, oldest first. */
export class SealedQueue {
  #waiting: SealedMinutes[] = [];
  #rows = 0;

  add(sealed: SealedMinutes): void {
    this.#waiting.push(sealed);
    this.#rows += sealed.batch.length;
  }

  get rows(): number {
    return this.#rows;
  }

  get minutes(): Coverage {
    return Coverage.of(this.#waiting.map(({ range }) => range));
  }

  /** A minute is not whole after all: it and its trades leave the queue. */
  drop(minute: number): void {
    this.#waiting = this.#waiting.flatMap((sealed) => {
      if (minute < sealed.range.lo || minute >= sealed.range.hi) return [sealed];
      const parts: MinuteRange[] = [
        { lo: sealed.range.lo, hi: minute },
        { lo: minute + 1, hi: sealed.range.hi },
      ];
      return parts.filter(({ lo, hi }) => lo < hi).map((range) => partOf(sealed, range));
    });
    this.#rows = this.#waiting.reduce((sum, { batch }) => sum + batch.length, 0);
  }

  /** Takes out the oldest unbroken run of minutes up to the next multiple of `boundaryMinutes`, joined into one. */
  takeRun(boundaryMinutes: number, kind: TradeKind, scales: Scales): SealedMinutes | undefined {
    const first = this.#waiting[0];
    if (first === undefined) return undefined;
    const limit = (Math.floor(first.range.lo / boundaryMinutes) + 1) * boundaryMinutes;
    const builder = new TradeBatchBuilder(kind, scales);
    const { lo } = first.range;
    let hi = lo;
    const left: SealedMinutes[] = [];
    for (const sealed of this.#waiting) {
      const { range } = sealed;
      if (range.lo !== hi || hi >= limit) {
        left.push(sealed);
        continue;
      }
      hi = Math.min(range.hi, limit);
      builder.append(hi < range.hi ? within(sealed.batch, { lo: range.lo, hi }) : sealed.batch);
      if (hi < range.hi) left.push(partOf(sealed, { lo: hi, hi: range.hi }));
    }
    this.#waiting = left;
    // Times may run back where ids run on: trades of two minutes then interleave.
    const { batch } = sortedUnique(builder.build());
    this.#rows -= batch.length;
    return { range: { lo, hi }, batch };
  }

  /** Puts a run back in front: its segment could not be written. */
  putBack(run: SealedMinutes): void {
    this.#waiting.unshift(run);
    this.#rows += run.batch.length;
  }
}

function partOf({ batch }: SealedMinutes, range: MinuteRange): SealedMinutes {
  return { range, batch: within(batch, range) };
}

function within(batch: TradeBatch, { lo, hi }: MinuteRange): TradeBatch {
  const rows: number[] = [];
  for (let row = 0; row < batch.length; row++) {
    const minute = minuteOfUs(batch.timeUs[row]!);
    if (minute >= lo && minute < hi) rows.push(row);
  }
  return pickRows(batch, rows);
}
