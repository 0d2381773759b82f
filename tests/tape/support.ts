import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  type MinuteRange,
  pickRows,
  type Scales,
  type TradeBatch,
  TradeBatchBuilder,
  type TradeKind,
} from "../../src/core/mod.ts";
import { createTape, type Tape, type TapeOptions } from "../../src/tape/mod.ts";

/** 2026-01-02T00:00Z, in minutes. */
export const DAY_LO = Date.UTC(2026, 0, 2) / 60_000;
export const DAY: MinuteRange = { lo: DAY_LO, hi: DAY_LO + 1_440 };
export const TWO_DAYS: MinuteRange = { lo: DAY_LO, hi: DAY_LO + 2_880 };
export const SERIES = { venue: "binance", market: "spot", symbol: "BTCUSDT" };
export const SCALES: Scales = { priceScale: 2, sizeScale: 5 };

/** Runs `test` with a tape in a directory of its own and clears both away. */
export async function withTape(
  test: (tape: Tape) => Promise<void>,
  options: Omit<TapeOptions, "dir"> = {},
): Promise<void> {
  await withDir(async (dir) => {
    const tape = await createTape({ ...options, dir });
    try {
      await test(tape);
    } finally {
      await tape.close();
    }
  });
}

export async function withDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "tapeline-tape-")));
  try {
    await test(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export interface Row {
  readonly id: number;
  readonly timeUs: number;
  /** Units at the batch's scales. */
  readonly price: number;
  readonly size: number;
  readonly buy?: boolean;
  /** Raw trades behind it. Default 1. */
  readonly raw?: number;
}

/** A batch of the given rows, as they stand. */
export function batchOf(
  rows: readonly Row[],
  scales: Scales = SCALES,
  kind: TradeKind = "aggregate",
): TradeBatch {
  const column = (value: (row: Row) => number): Float64Array => Float64Array.from(rows, value);
  return {
    kind,
    scales,
    length: rows.length,
    id: column((row) => row.id),
    timeUs: column((row) => row.timeUs),
    price: column((row) => row.price),
    size: column((row) => row.size),
    firstId: column((row) => row.id * 3),
    lastId: column((row) => row.id * 3 + (row.raw ?? 1) - 1),
    buy: Uint8Array.from(rows, (row) => (row.buy === true ? 1 : 0)),
  };
}

/** `count` trades spread evenly over a range, ids from `firstId`. */
export function spread(count: number, range: MinuteRange, firstId = 1): TradeBatch {
  const step = ((range.hi - range.lo) * 60_000_000) / count;
  return batchOf(
    Array.from({ length: count }, (_, i) => ({
      id: firstId + i,
      timeUs: range.lo * 60_000_000 + Math.floor(i * step),
      price: 4_200_000 + ((i * 7_919) % 997),
      size: 1 + ((i * 31) % 1_009),
      buy: i % 3 === 0,
      raw: 1 + (i % 4),
    })),
  );
}

/** All of a reader's batches as one. */
export async function gather(
  batches: AsyncIterable<TradeBatch>,
  scales: Scales = SCALES,
): Promise<TradeBatch> {
  let builder: TradeBatchBuilder | undefined;
  for await (const batch of batches) {
    builder ??= new TradeBatchBuilder(batch.kind, scales);
    builder.append(batch);
  }
  return (builder ?? new TradeBatchBuilder("aggregate", scales)).build();
}

/** The part of a batch whose trades lie in `ranges`. */
export function within(batch: TradeBatch, ranges: readonly MinuteRange[]): TradeBatch {
  const rows: number[] = [];
  for (let i = 0; i < batch.length; i++) {
    const minute = Math.floor(batch.timeUs[i]! / 60_000_000);
    if (ranges.some(({ lo, hi }) => lo <= minute && minute < hi)) rows.push(i);
  }
  return pickRows(batch, rows);
}

/**
 * Batches as venues make them: ids ascend with holes, times only nearly do, over up to two days, prices and sizes up to
 * the largest whose sums per minute stay safe.
 */
export function batches(range: MinuteRange = TWO_DAYS): fc.Arbitrary<TradeBatch> {
  const lo = range.lo * 60_000_000;
  const hi = range.hi * 60_000_000;
  const row = fc.record({
    step: fc.integer({ min: 1, max: 1_000 }),
    timeUs: fc.oneof(
      fc.integer({ min: lo, max: hi - 1 }),
      // Few minutes, so that many trades meet in one.
      fc.integer({ min: lo, max: lo + 180_000_000 }),
    ),
    price: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    size: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 2 ** 44 })),
    buy: fc.boolean(),
    raw: fc.integer({ min: 1, max: 9 }),
  });
  return fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 60 }), fc.integer({ min: 0, max: 2 ** 50 }))
    .map(([rows, firstId]) => {
      let id = firstId;
      return batchOf(
        rows.map(({ step, ...rest }) => {
          id += step;
          return { ...rest, id };
        }),
      );
    });
}
