import { beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { isExclusionViolation } from "../../src/backfill/store/errors.ts";
import type { NewChunk } from "../../src/backfill/store/types.ts";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";
import type { HistoryCandle } from "../../src/venues/mod.ts";
import { clearWork, deriveCounters, jobOf, makeSeries, mustClaim } from "./job-store-support.ts";

const candle = (minute: number, close = "1.5"): HistoryCandle => ({
  openMs: minute * 60_000,
  open: "1.25",
  high: "2",
  low: "1",
  close,
  volume: "123456789012345678901234567890.00000001",
  quoteVolume: "10",
  buyVolume: "5",
  vwap: "1.5",
  trades: 3,
});

/** For tests of many commits: a busy machine may be twenty times slower than an idle one. */
const MANY_TIMEOUT_MS = 60_000;

/** Candle chunks: what every database must do the same way. */
export function candlesContract(database: () => Database): void {
  let store: JobStore;
  beforeEach(async () => {
    store = createJobStore(database());
    await clearWork(database());
  });

  const chunk = (seriesId: number, range: MinuteRange, timeframe = "1m"): NewChunk => ({
    seriesId,
    range,
    timeframe,
    source: "candles",
    rank: range.lo,
  });

  /** Commits candles of `range` by a job of one chunk. */
  async function commit(
    seriesId: number,
    range: MinuteRange,
    candles: readonly HistoryCandle[],
    closed: readonly MinuteRange[] = [range],
    timeframe = "1m",
  ) {
    const { job } = await store.createJob(jobOf([chunk(seriesId, range, timeframe)], { dataset: "candles" }));
    const { lease } = await mustClaim(store);
    const outcome = await store.commit(lease, {
      candles: { candles, closed },
      recordsFetched: candles.length,
    });
    expect(outcome.kind).toBe("committed");
    const [detail] = await store.jobDetails(job.id);
    const ended = await store.job(job.id);
    expect(detail).toMatchObject({
      status: "complete",
      records: ended?.recordsFetched,
      recordsInserted: ended?.recordsInserted,
      recordsUpdated: ended?.recordsUpdated,
      recordsUnchanged: ended?.recordsUnchanged,
    });
    return [ended?.recordsInserted, ended?.recordsUpdated, ended?.recordsUnchanged];
  }

  test("commit() counts candles as inserted, updated and unchanged, each exactly", async () => {
    const { id } = await makeSeries(store);
    const range = { lo: 0, hi: 10 };
    const minutes = [0, 1, 2, 3, 4];
    expect(
      await commit(
        id,
        range,
        minutes.map((at) => candle(at)),
      ),
    ).toEqual([5, 0, 0]);
    const again = [candle(0), candle(1, "1.50"), candle(2, "1.6"), candle(3), candle(4, "9"), candle(5)];
    expect(await commit(id, range, again)).toEqual([1, 2, 3]);
    expect(await commit(id, range, [])).toEqual([0, 0, 0]);
    // Another timeframe and another series are other candles.
    expect(await commit(id, range, [candle(0)], [range], "1h")).toEqual([1, 0, 0]);
    const other = await makeSeries(store);
    expect(await commit(other.id, range, [candle(0)])).toEqual([1, 0, 0]);
  });

  test("commit() keeps every digit of a candle, and knows a value that went away from one that stays", async () => {
    const { id } = await makeSeries(store);
    await commit(id, { lo: 7, hi: 8 }, [candle(7)]);
    const { vwap, ...without } = candle(7);
    expect(await commit(id, { lo: 7, hi: 8 }, [without])).toEqual([0, 1, 0]);
    expect(await commit(id, { lo: 7, hi: 8 }, [without])).toEqual([0, 0, 1]);
    const rows = await database().sql`
      select open::text, close::text, volume::text, quote_volume::text, vwap::text, trades::int as trades,
        extract(epoch from open_time)::int as s from candle where series_id = ${id}`;
    expect([...rows]).toEqual([
      {
        open: "1.25",
        close: "1.5",
        volume: candle(7).volume,
        quote_volume: "10",
        vwap: null,
        trades: 3,
        s: 420,
      },
    ]);
    expect(vwap).toBe("1.5");
  });

  test("commit() of a zombie inserts no candle and covers nothing", async () => {
    const { id } = await makeSeries(store);
    await store.createJob(jobOf([chunk(id, { lo: 0, hi: 5 })], { dataset: "candles" }));
    const { lease } = await mustClaim(store);
    const result = { candles: { candles: [candle(0)], closed: [{ lo: 0, hi: 5 }] }, recordsFetched: 1 };
    expect(await store.commit({ ...lease, token: lease.token + 1 }, result)).toEqual({ kind: "lost" });
    expect(await database().sql`select 1 from candle where series_id = ${id}`).toHaveLength(0);
    expect(await store.candleCoverage([id], ["1m"], { lo: 0, hi: 99 })).toEqual([]);
    expect((await store.commit(lease, result)).kind).toBe("committed");
    expect(await store.commit(lease, result)).toEqual({ kind: "lost" });
  });

  test("commit() refuses a batch that brings a candle twice", async () => {
    const { id } = await makeSeries(store);
    await store.createJob(jobOf([chunk(id, { lo: 0, hi: 5 })], { dataset: "candles" }));
    const { lease } = await mustClaim(store);
    const twice = { candles: { candles: [candle(0), candle(0)], closed: [] }, recordsFetched: 2 };
    await expect(store.commit(lease, twice)).rejects.toThrow();
    expect(await database().sql`select 1 from candle where series_id = ${id}`).toHaveLength(0);
  });

  test(
    "candleCoverage() equals a set of minutes after any commits, by series and timeframe, in the fewest rows",
    async () => {
      const span = fc
        .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 15 }))
        .map(([lo, length]) => ({ lo, hi: lo + length }));
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({ spans: fc.array(span, { maxLength: 3 }), timeframe: fc.constantFrom("1m", "1h") }),
            {
              minLength: 1,
              maxLength: 6,
            },
          ),
          async (commits) => {
            const { id } = await makeSeries(store);
            const expected = new Map<string, Coverage>();
            for (const { spans, timeframe } of commits) {
              await commit(id, { lo: 0, hi: 100 }, [], Coverage.of(spans).ranges, timeframe);
              expected.set(timeframe, Coverage.of([...(expected.get(timeframe)?.ranges ?? []), ...spans]));
            }
            const found = await store.candleCoverage([id], ["1h", "1m"], { lo: 5, hi: 70 });
            for (const timeframe of ["1h", "1m"])
              expect(
                found.filter((own) => own.timeframe === timeframe).map(({ lo, hi }) => ({ lo, hi })),
              ).toEqual([...(expected.get(timeframe) ?? Coverage.empty).within({ lo: 5, hi: 70 }).ranges]);
          },
        ),
        { numRuns: 5 },
      );
    },
    MANY_TIMEOUT_MS,
  );

  test("the database itself refuses a second row for a covered span", async () => {
    const { id } = await makeSeries(store);
    await commit(id, { lo: 0, hi: 10 }, []);
    const intrude = async () => {
      await database()
        .sql`insert into candle_coverage (series_id, timeframe, range) values (${id}, '1m', int8range(9, 12))`;
    };
    expect(isExclusionViolation(await intrude().catch((error: unknown) => error))).toBe(true);
  });

  describe("jobDetails()", () => {
    test(
      "counts each symbol and timeframe as its chunks, whatever happens to them",
      async () => {
        const series = [await makeSeries(store), await makeSeries(store)];
        const parts = series.flatMap(({ id, venue, symbol }) =>
          ["1m", "1h"].map((timeframe) => ({ venue, symbol, timeframe, seriesId: id })),
        );
        const chunks = parts.flatMap(({ seriesId, timeframe }) =>
          [0, 10, 20].map((lo) => chunk(seriesId, { lo, hi: lo + 10 }, timeframe)),
        );
        const { job } = await store.createJob(jobOf(chunks, { dataset: "candles", parts, maxParallel: 20 }));
        const Step = fc.constantFrom("commit", "fail", "retry", "release", "claim");
        let clock = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(Step, { maxLength: 10 }), async (steps) => {
            for (const step of steps) {
              const claimed = await store.claim({ owner: "w", leaseMs: 60_000 });
              if (claimed === undefined) continue;
              const candles = [candle(claimed.range.lo), candle(claimed.range.lo + 1, `1.${++clock}`)];
              const { lease } = claimed;
              if (step === "commit")
                await store.commit(lease, { candles: { candles, closed: [] }, recordsFetched: 2 });
              else if (step === "fail") await store.fail(lease, { error: "gone" });
              else if (step === "retry") await store.retryLater(lease, { error: "slow", delayMs: 0 });
              else if (step === "release") await store.release(lease);
            }
            await expectPartsCounted(job.id);
          }),
          { numRuns: 6 },
        );
        await store.control(job.id, { kind: "cancel" });
        await expectPartsCounted(job.id);
        await store.control(job.id, { kind: "retry" });
        await expectPartsCounted(job.id);
      },
      MANY_TIMEOUT_MS,
    );

    test("jobReport() tells a job and its details of one moment, and keeps the former details while the job has not changed", async () => {
      const series = await makeSeries(store);
      const { job } = await store.createJob(
        jobOf([chunk(series.id, { lo: 0, hi: 10 }, "1m")], { dataset: "candles" }),
      );
      const before = await store.jobReport(job.id);
      expect(before).toEqual({ job, details: await store.jobDetails(job.id) });
      expect((await store.jobReport(job.id, before))?.details).toBe(before?.details ?? []);
      const { lease } = await mustClaim(store);
      const claimed = await store.jobReport(job.id, before);
      expect([claimed?.job.leased, claimed?.details[0]?.leased]).toEqual([1, 1]);
      await store.commit(lease, { candles: { candles: [candle(0)], closed: [] }, recordsFetched: 1 });
      const after = await store.jobReport(job.id, claimed);
      expect(after).toEqual({
        job: (await store.job(job.id)) ?? job,
        details: await store.jobDetails(job.id),
      });
      expect(after?.details[0]).toMatchObject({ status: "complete", recordsInserted: 1 });
      expect(await store.jobReport(randomUUID())).toBeUndefined();
      expect(await store.jobReport("nonsense")).toBeUndefined();
    });

    test("recentParts() tells how many symbols are whole, and the first that a worker is at", async () => {
      const series = [await makeSeries(store), await makeSeries(store), await makeSeries(store)];
      const parts = series.flatMap(({ id, venue, symbol }) =>
        ["1m", "1h"].map((timeframe) => ({ venue, symbol, timeframe, seriesId: id })),
      );
      const chunks = parts.slice(0, 5).map(({ seriesId, timeframe }, rank) => ({
        ...chunk(seriesId, { lo: 0, hi: 10 }, timeframe),
        rank,
      }));
      const { job } = await store.createJob(jobOf(chunks, { dataset: "candles", parts, maxParallel: 9 }));
      const other = await store.createJob(jobOf([], { parts: [{ venue: "binance", symbol: "WAITS" }] }));
      const summaries = async () => {
        const found = await store.recentParts(2);
        expect(found.get(other.job.id)).toEqual({ symbolsCompleted: 0, current: undefined });
        return found.get(job.id);
      };
      expect(await summaries()).toEqual({ symbolsCompleted: 0, current: undefined });
      const commitNext = async () =>
        store.commit((await mustClaim(store)).lease, {
          candles: { candles: [], closed: [] },
          recordsFetched: 0,
        });
      await commitNext();
      expect((await summaries())?.symbolsCompleted).toBe(0);
      await commitNext();
      const held = await mustClaim(store);
      expect(await summaries()).toEqual({
        symbolsCompleted: 1,
        current: { venue: "binance", symbol: series[1]!.symbol, timeframe: "1m" },
      });
      await store.fail(held.lease, { error: "gone" });
      await commitNext();
      await commitNext();
      // The second symbol failed in one timeframe; the third had nothing to fetch in one.
      expect(await summaries()).toEqual({ symbolsCompleted: 2, current: undefined });
      expect([...(await store.recentParts(1)).keys()]).toEqual([other.job.id]);
    });

    async function expectPartsCounted(jobId: string): Promise<void> {
      const details = await store.jobDetails(jobId);
      const rows = await database().sql`
        select series_id as "seriesId", timeframe, count(*)::int as "chunksTotal",
          (count(*) filter (where status = 'done'))::int as "chunksDone",
          (count(*) filter (where status = 'failed'))::int as "chunksFailed",
          (count(*) filter (where status = 'leased'))::int as leased, sum(records)::int as records,
          sum(inserted)::int as "recordsInserted", sum(updated)::int as "recordsUpdated",
          sum(unchanged)::int as "recordsUnchanged"
        from backfill_chunk where job_id = ${jobId} group by series_id, timeframe order by min(no)`;
      expect(details).toMatchObject([...rows]);
      const sum = (of: (detail: (typeof details)[number]) => number) =>
        details.reduce((total, detail) => total + of(detail), 0);
      const job = await store.job(jobId);
      expect(job).toMatchObject({
        recordsInserted: sum((of) => of.recordsInserted),
        recordsUpdated: sum((of) => of.recordsUpdated),
        recordsUnchanged: sum((of) => of.recordsUnchanged),
        ...(await deriveCounters(database(), jobId)),
      });
      const [cancelled] = await database().sql`
        select coalesce(sum(chunks_cancelled), 0)::int as count from backfill_part where job_id = ${jobId}`;
      expect(cancelled?.["count"]).toBe(job?.chunksCancelled);
    }
  });
}
