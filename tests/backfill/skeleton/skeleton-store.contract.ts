import { beforeEach, describe, expect, test } from "bun:test";
import type { Database } from "../../../db/mod.ts";
import { createJobStore, type JobStore } from "../../../src/backfill/job-store.ts";
import { type ChunkRankStore, createChunkRankStore } from "../../../src/backfill/store/chunk-ranks.ts";
import { createSkeletonStore, type SkeletonStore } from "../../../src/backfill/store/skeleton.ts";
import { Coverage, type MinuteRange } from "../../../src/core/mod.ts";
import type { HistoryCandle } from "../../../src/venues/mod.ts";
import { chunksOf, clearWork, jobOf, makeSeries, mustClaim } from "../job-store-support.ts";

const candle = (minute: number, more: Partial<HistoryCandle> = {}): HistoryCandle => ({
  openMs: minute * 60_000,
  ...{ open: "1.25", high: "2", low: "1", close: "1.5", volume: "123456789012345.00000001" },
  ...{ quoteVolume: "10.5", buyVolume: "5", buyQuoteVolume: "6.25", vwap: "1.5", trades: 3 },
  ...more,
});

/** Candles that no job asked for, and ranks of pending chunks: what every database must do the same way. */
export function skeletonContract(database: () => Database): void {
  let jobs: JobStore;
  let skeleton: SkeletonStore;
  let ranks: ChunkRankStore;
  beforeEach(async () => {
    jobs = createJobStore(database());
    skeleton = createSkeletonStore(database());
    ranks = createChunkRankStore(database());
    await clearWork(database());
  });

  describe("SkeletonStore", () => {
    test("read() answers what keep() wrote, every digit of it, and which minutes are final", async () => {
      const { id } = await makeSeries(jobs);
      const bare: HistoryCandle = {
        ...{ openMs: 12 * 60_000, open: "1", high: "1", low: "1", close: "1", volume: "0" },
      };
      await skeleton.keep(id, { candles: [candle(10), bare], closed: [{ lo: 10, hi: 14 }] });
      const all = { lo: 0, hi: 100 };
      expect(await skeleton.read(id, all)).toEqual({
        known: Coverage.of([{ lo: 10, hi: 14 }]),
        candles: [candle(10), { ...bare }],
      });
      expect((await skeleton.read(id, { lo: 11, hi: 12 })).known).toEqual(Coverage.of([{ lo: 11, hi: 12 }]));
      expect((await skeleton.read(id, { lo: 11, hi: 12 })).candles).toEqual([]);
      const other = await makeSeries(jobs);
      expect(await skeleton.read(other.id, all)).toEqual({ known: Coverage.empty, candles: [] });
    });

    test("keep() twice changes nothing, and a correction replaces", async () => {
      const { id } = await makeSeries(jobs);
      const closed = [{ lo: 10, hi: 12 }];
      await Promise.all([1, 2, 3].map(() => skeleton.keep(id, { candles: [candle(10)], closed })));
      await skeleton.keep(id, { candles: [candle(10, { close: "1.75" })], closed });
      const { known, candles } = await skeleton.read(id, { lo: 0, hi: 100 });
      expect([known.ranges, candles]).toEqual([closed, [candle(10, { close: "1.75" })]]);
    });

    test("read() leaves out candles that were not final when they were written", async () => {
      const { id } = await makeSeries(jobs);
      await skeleton.keep(id, { candles: [candle(10), candle(11)], closed: [{ lo: 10, hi: 11 }] });
      expect((await skeleton.read(id, { lo: 0, hi: 100 })).candles).toEqual([candle(10)]);
    });

    test("a candle job and the skeleton share their candles", async () => {
      const { id } = await makeSeries(jobs);
      await skeleton.keep(id, { candles: [candle(10)], closed: [{ lo: 10, hi: 11 }] });
      const chunk = {
        seriesId: id,
        timeframe: "1m",
        range: { lo: 10, hi: 12 },
        source: "candles",
        rank: 0,
      } as const;
      const { job } = await jobs.createJob(jobOf([chunk], { dataset: "candles" }));
      const candles = { candles: [candle(10), candle(11)], closed: [chunk.range] };
      await jobs.commit((await mustClaim(jobs)).lease, { candles, recordsFetched: 2 });
      const ended = await jobs.job(job.id);
      expect([ended?.recordsInserted, ended?.recordsUpdated, ended?.recordsUnchanged]).toEqual([1, 0, 1]);
      expect((await skeleton.read(id, chunk.range)).candles).toEqual([candle(10), candle(11)]);
    });
  });

  describe("ChunkRankStore", () => {
    const all: MinuteRange = { lo: 0, hi: 100 };

    test("openChunks() tells pending chunks of the job and whatever is in flight, by rank", async () => {
      const { id } = await makeSeries(jobs);
      const { job } = await jobs.createJob(jobOf(chunksOf(id, 4)));
      const other = await jobs.createJob(jobOf(chunksOf(id, 1, 50), { priority: 9 }));
      const foreign = await mustClaim(jobs);
      expect(foreign.job.id).toBe(other.job.id);
      const own = await mustClaim(jobs);
      const late = await mustClaim(jobs);
      await jobs.retryLater(late.lease, { error: "slow", delayMs: 60_000 });
      const found = await ranks.openChunks(job.id, id, all);
      expect(found.map(({ lo, hi, rank, state }) => [lo, hi, rank, state])).toEqual([
        [own.range.lo, own.range.hi, 0, "in_flight"],
        [50, 60, 0, "in_flight"],
        [late.range.lo, late.range.hi, 1, "pending"],
        [20, 30, 2, "due"],
        [30, 40, 3, "due"],
      ]);
      expect((await ranks.openChunks(job.id, id, { lo: 25, hi: 40 })).map(({ lo }) => lo)).toEqual([30]);
      expect(await ranks.nextMinute(job.id, id)).toBe(20);
      expect(await ranks.nextMinute(other.job.id, id)).toBeUndefined();
      expect(await ranks.nextMinute(job.id, (await makeSeries(jobs)).id)).toBeUndefined();
    });

    test("rerank() decides what is claimed next, and counts what changed", async () => {
      const { id } = await makeSeries(jobs);
      const { job } = await jobs.createJob(jobOf(chunksOf(id, 3)));
      const [first, second, third] = await ranks.openChunks(job.id, id, all);
      const wanted = [
        { id: third!.id, rank: 0 },
        { id: second!.id, rank: 1 },
        { id: first!.id, rank: 2 },
      ];
      expect(await ranks.rerank(wanted)).toBe(2);
      expect(await ranks.rerank(wanted)).toBe(0);
      expect(await ranks.rerank([])).toBe(0);
      const claimed = [];
      for (let i = 0; i < 3; i++) claimed.push((await mustClaim(jobs)).range.lo);
      expect(claimed).toEqual([20, 10, 0]);
    });

    test("rerank() leaves chunks alone that are not pending any more, and those that somebody holds", async () => {
      const { id } = await makeSeries(jobs);
      const { job } = await jobs.createJob(jobOf(chunksOf(id, 3)));
      const [first, second, third] = await ranks.openChunks(job.id, id, all);
      const { lease } = await mustClaim(jobs);
      expect(lease.chunkId).toBe(first!.id);
      await database().sql.begin(async (tx) => {
        // The embedded database has one connection: there nobody else can hold a row.
        if (database().kind === "embedded") return;
        await tx`select 1 from backfill_chunk where id = ${second!.id} for update`;
        const moved = [first!, second!, third!].map((chunk) => ({ id: chunk.id, rank: 7 }));
        expect(await ranks.rerank(moved)).toBe(1);
      });
      expect(await ranks.rerank([{ id: first!.id, rank: 9 }])).toBe(0);
      const left = await ranks.openChunks(job.id, id, all);
      expect(left.find((chunk) => chunk.id === first!.id)?.rank).toBe(0);
      if (database().kind === "postgres")
        expect(left.map(({ rank, lo }) => [rank, lo])).toEqual([
          [0, 0],
          [1, 10],
          [7, 20],
        ]);
    });
  });
}
