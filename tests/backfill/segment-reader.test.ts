import { expect, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { segmentOf } from "../../src/backfill/chunk-runner.ts";
import { SegmentReader } from "../../src/backfill/segment-reader.ts";
import type { SegmentListing } from "../../src/backfill/store/types.ts";
import { Coverage, foldMinutes, type MinuteRange } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import type { Tape } from "../../src/tape/mod.ts";
import { batchOfTrades, instrumentNamed, madeTrades } from "../support/trades.ts";
import { withTape } from "../tape/support.ts";

const M = 28_000_800;
const BIN_UNITS = 5;
const instrument = instrumentNamed("BTCUSDT");
const minutes = (lo: number, hi: number): MinuteRange => ({ lo: M + lo, hi: M + hi });

function tradesOf({ lo, hi }: MinuteRange) {
  return batchOfTrades(
    madeTrades(lo, { count: 4 * (hi - lo), fromMs: lo * 60_000, toMs: hi * 60_000, firstId: lo * 10 }),
  );
}

/** Three segments of ten minutes on a real tape, and a listing that forgets what is quarantined. */
class Bench {
  readonly store = new SeriesStore({ seriesId: 1, instrument, binUnits: BIN_UNITS });
  readonly lost: MinuteRange[] = [];
  readonly reasons: string[] = [];
  listing: SegmentListing[] = [];
  readonly tape: Tape;
  readonly reader: SegmentReader;

  constructor(tape: Tape) {
    this.tape = tape;
    this.reader = new SegmentReader({
      tape,
      jobs: {
        segments: async (_id, range) =>
          this.listing.filter(({ covered }) => covered.some(({ lo, hi }) => lo < range.hi && hi > range.lo)),
        quarantineSegment: async (id, reason) => {
          const found = this.listing.find((each) => each.id === id);
          if (found === undefined) return undefined;
          this.listing = this.listing.filter((each) => each !== found);
          this.reasons.push(reason);
          return { seriesId: 1, ranges: found.covered };
        },
      },
      onLost: (_id, ranges) => {
        this.lost.push(...ranges);
        for (const range of ranges) this.store.uncover(range);
      },
    });
  }

  async write(): Promise<this> {
    for (const [i, range] of [minutes(0, 10), minutes(10, 20), minutes(20, 30)].entries()) {
      const batch = tradesOf(range);
      const segment = await segmentOf(this.tape, {
        kind: "backfill",
        origin: "test",
        instrument,
        range,
        batch,
        contributions: foldMinutes(batch, BIN_UNITS),
      });
      this.listing.push({
        firstId: undefined,
        lastId: undefined,
        firstTimeUs: undefined,
        lastTimeUs: undefined,
        ...segment,
        id: i + 1,
        seriesId: 1,
        covered: [range],
      });
    }
    this.store.resetCommitted([minutes(0, 30)]);
    return this;
  }

  path(segment: number): string {
    return join(this.tape.dir, this.listing[segment]!.files[0]!.path);
  }
}

const truth = (...ranges: readonly MinuteRange[]) =>
  ranges.flatMap((range) => foldMinutes(tradesOf(range), BIN_UNITS).minutes);

test("SegmentReader.read(), answers what the trades of the asked minutes contribute", async () => {
  await withTape(async (tape) => {
    const { reader, store } = await new Bench(tape).write();
    const asked = Coverage.of([minutes(3, 12), minutes(25, 30)]);
    const { minutes: found } = await reader.read(store, asked);
    const expected = truth(minutes(0, 10), minutes(10, 20), minutes(20, 30));
    expect(found).toEqual(expected.filter(({ minute }) => asked.has(minute)));
    expect((await reader.read(store, Coverage.empty)).minutes).toEqual([]);
  });
});

test("SegmentReader.read(), a missing file costs its own minutes only", async () => {
  await withTape(async (tape) => {
    const bench = await new Bench(tape).write();
    await rm(bench.path(1));
    const { minutes: found } = await bench.reader.read(bench.store, Coverage.of([minutes(0, 30)]));
    expect(found).toEqual(truth(minutes(0, 10), minutes(20, 30)));
    expect(bench.lost).toEqual([minutes(10, 20)]);
    expect(bench.reasons[0]).toEndWith("the file is missing");
    expect(bench.store.covered.ranges).toEqual([minutes(0, 10), minutes(20, 30)]);
  });
});

test("SegmentReader.read(), a corrupt file is quarantined and costs its own minutes only", async () => {
  await withTape(async (tape) => {
    const bench = await new Bench(tape).write();
    await writeFile(bench.path(0), "not Parquet at all");
    await rm(bench.path(2));
    const { minutes: found } = await bench.reader.read(bench.store, Coverage.of([minutes(0, 30)]));
    expect(found).toEqual(truth(minutes(10, 20)));
    expect(bench.lost).toEqual([minutes(0, 10), minutes(20, 30)]);
    expect(bench.listing.map(({ id }) => id)).toEqual([2]);
  });
});

test("SegmentReader.read(), a failure that is not the files' is told and costs nothing", async () => {
  await withTape(async (tape) => {
    const bench = await new Bench(tape).write();
    await tape.close();
    await expect(bench.reader.read(bench.store, Coverage.of([minutes(0, 30)]))).rejects.toThrow();
    expect(bench.lost).toEqual([]);
  });
});

test("SegmentReader.verify(), finds damage that a read of other minutes would not", async () => {
  await withTape(async (tape) => {
    const bench = await new Bench(tape).write();
    await writeFile(bench.path(1), "short");
    expect(await bench.reader.verify(1, minutes(0, 10))).toEqual({ files: 1, damaged: 0 });
    expect(await bench.reader.verify(1, minutes(0, 30))).toEqual({ files: 3, damaged: 1 });
    expect(bench.lost).toEqual([minutes(10, 20)]);
    expect(await bench.reader.verify(1, minutes(0, 30))).toEqual({ files: 2, damaged: 0 });
  });
});
