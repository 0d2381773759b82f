import { expect } from "bun:test";
import type { Database } from "../../db/mod.ts";
import type { JobStore } from "../../src/backfill/job-store.ts";
import { BACKFILL_CHANNEL, jobChannel } from "../../src/backfill/store/events.ts";
import type { SeriesRow } from "../../src/backfill/store/types.ts";
import {
  Coverage,
  foldMinutes,
  MINUTES_PER_DAY,
  type MinuteContribution,
  type MinuteRange,
  rangeLength,
} from "../../src/core/mod.ts";
import type { Market } from "../../src/simulator/mod.ts";
import type { Tape } from "../../src/tape/mod.ts";
import { deriveCounters } from "../backfill/job-store-support.ts";

export interface Expected {
  readonly series: SeriesRow;
  readonly market: Market;
  readonly range: MinuteRange;
}

/** What the simulated exchange knows of some minutes. */
export function truthOf({ market, series, range }: Expected): MinuteContribution[] {
  const minutes: MinuteContribution[] = [];
  for (let minute = range.lo; minute < range.hi; minute++)
    minutes.push(...foldMinutes(market.tradesOf(minute), series.binUnits).minutes);
  return minutes;
}

/** The tape, as the database lists it, holds exactly the exchange's trades: no minute twice, none missing, none else. */
export async function expectTruth(jobs: JobStore, tape: Tape, expected: Expected): Promise<void> {
  const { series, range } = expected;
  const owned = await jobs.coverage(series.id, range);
  expect(Coverage.of(owned).ranges).toEqual([range]);
  expect(owned.reduce((sum, part) => sum + rangeLength(part), 0)).toBe(rangeLength(range));
  const listing = await jobs.segments(series.id, range);
  const files = listing.flatMap((segment) => segment.files);
  const proofs = await tape.verifyAll(files);
  expect(proofs.filter(({ result }) => result.kind !== "ok")).toEqual([]);
  const sources = listing.flatMap(({ files: own, covered, firstId, lastId }) =>
    own.map(({ path }) => ({ path, firstId: Number(firstId), lastId: Number(lastId), ranges: covered })),
  );
  // Day by day, because the small disk of the tape is also where a large query would spill to.
  for (let lo = range.lo; lo < range.hi; lo += MINUTES_PER_DAY) {
    const part = { lo, hi: Math.min(range.hi, lo + MINUTES_PER_DAY) };
    const request = { scales: series, binUnits: series.binUnits, ranges: [part] };
    const { minutes } = await tape.contributions(sources, request);
    expect(minutes).toEqual(truthOf({ ...expected, range: part }));
  }
}

/** The job's counters are those of its rows, and its events stand without a gap, each once. */
export async function expectBooks(database: Database, jobs: JobStore, jobId: string): Promise<void> {
  const rows = await deriveCounters(database, jobId);
  expect(rows).toMatchObject({ chunksFailed: 0, leased: 0 });
  expect(await jobs.job(jobId)).toMatchObject({ status: "complete", ...rows });
  for (const channel of [BACKFILL_CHANNEL, jobChannel(jobId)]) {
    const events = await jobs.events(channel, 0, 1_000);
    expect(events.map(({ offset }) => offset)).toEqual(events.map((_, index) => index + 1));
    expect((await jobs.channelState(channel))?.offset).toBe(events.length);
  }
  const own = await jobs.events(jobChannel(jobId), 0, 1_000);
  expect(own.map(({ data }) => data.to)).toEqual(["pending", "in_progress", "complete"]);
}
