import {
  Coverage,
  failureOf,
  finestScales,
  formatMinute,
  type Instrument,
  InvariantError,
  type MinuteContributions,
  type MinuteRange,
  msOfMinute,
  OperationFailure,
  rescaleBatch,
  sameScales,
  symbolName,
  type TradeBatch,
  type Turns,
} from "../core/mod.ts";
import type { Tape } from "../tape/mod.ts";
import type { TradesOfRange, Venue } from "../venues/mod.ts";
import { type CandleRunnerDeps, fetchCandles } from "./candles/candle-runner.ts";
import { binUnitsAt, foldInTurns } from "./contributions-of.ts";
import type { JobStore } from "./job-store.ts";
import { digestOf } from "./segment-digest.ts";
import { CoverageConflict } from "./store/errors.ts";
import type {
  ChunkLease,
  ClaimedChunk,
  ClaimOptions,
  CommitOutcome,
  NewSegment,
  SeriesRow,
  Settled,
} from "./store/types.ts";
import { readWrittenRequest } from "./written-request.ts";

/** How often a commit is tried when the database does not answer. */
const COMMIT_TRIES = 3;
const COMMIT_RETRY_MS = 250;
/** Clocks may differ by hours; the next trade may come sooner. */
const OPEN_END_WAIT_MS_MAX = 60_000;

export interface ChunkRunnerDeps extends CandleRunnerDeps {
  readonly jobs: Pick<
    JobStore,
    "coverage" | "candleCoverage" | "growScales" | "commit" | "readChunk" | "job"
  >;
  readonly tape: Pick<Tape, "write">;
  readonly venueOf: (venue: string, market: string) => Venue;
  readonly turns: Turns;
  readonly sleep: (ms: number) => Promise<void>;
  /** What every clock that we know of agrees is past, ms since the epoch: the earlier one of the machine's and the venue's. */
  readonly pastMs: () => number;
}

/** Minutes of a committed chunk with what they contribute; the store takes them over. */
export interface CommittedPiece {
  readonly range: MinuteRange;
  readonly contributions: MinuteContributions;
}

export interface CommittedChunk extends Settled {
  readonly series: SeriesRow;
  /** Only the minutes that were missing: those covered meanwhile are not fetched. */
  readonly pieces: readonly CommittedPiece[];
  readonly segmentIds: readonly number[];
  /** What the commit took along: it is leased, and nobody runs it yet. */
  readonly next?: ClaimedChunk | undefined;
}

export type ChunkOutcome =
  | ({ readonly kind: "committed" } & CommittedChunk)
  /** Another worker owns the chunk by now; nothing was written. */
  | { readonly kind: "lost" };

/**
 * Runs one claimed chunk: fetch what is missing of it, write the tape, commit. Throws {@link OperationFailure} when it
 * could not; the chunk is then still leased and the caller gives it back. `assertHeld` throws when the lease cannot be believed
 * any more: it is asked right before each write, because a process that was stopped goes on before its timers do. `claimNext` is
 * asked after it, right before a commit is sent, and says how that may claim the next chunk.
 */
export async function runChunk(
  deps: ChunkRunnerDeps,
  chunk: ClaimedChunk,
  signal: AbortSignal,
  assertHeld: () => void = () => signal.throwIfAborted(),
  claimNext: () => ClaimOptions | undefined = () => undefined,
): Promise<ChunkOutcome> {
  signal.throwIfAborted();
  if (chunk.source === "candles") {
    const fetched = await fetchCandles(deps, chunk, signal);
    signal.throwIfAborted();
    const outcome = await commit(deps, chunk, fetched, assertHeld, claimNext);
    return outcome.kind === "lost" ? outcome : { ...outcome, series: chunk.series, pieces: [] };
  }
  const instrument = instrumentOf(chunk.series);
  const segments: NewSegment[] = [];
  const pieces: CommittedPiece[] = [];
  let { series } = chunk;
  let fetchedRows = 0;
  let insertedRows = 0;
  for (const range of await missingMinutes(deps.jobs, chunk)) {
    const fetched = await fetchWhole(deps, instrument, range, signal);
    series = await fittingSeries(deps.jobs, series, fetched.batch);
    // An earlier range may have grown the series: bins are whole units only at its scales.
    const batch = rescaleBatch(fetched.batch, series);
    const contributions = await foldInTurns(batch, binUnitsAt(series, batch.scales), deps.turns);
    const origin = `${instrument.venue} ${chunk.source}`;
    segments.push(
      await segmentOf(deps.tape, { kind: "backfill", origin, instrument, range, batch, contributions }),
    );
    pieces.push({ range, contributions });
    fetchedRows += batch.length + fetched.duplicates + fetched.dropped;
    insertedRows += batch.length;
  }
  signal.throwIfAborted();
  const result = { segments, recordsFetched: fetchedRows, recordsInserted: insertedRows };
  const outcome = await commit(deps, chunk, result, assertHeld, claimNext);
  return outcome.kind === "lost" ? outcome : { ...outcome, series, pieces };
}

/** The minutes of a chunk that nobody has committed since it was planned; all of them when they are to be replaced. */
async function missingMinutes(
  jobs: ChunkRunnerDeps["jobs"],
  { series, range, job }: ClaimedChunk,
): Promise<readonly MinuteRange[]> {
  if (readWrittenRequest(job.request).force) return [range];
  return Coverage.of(await jobs.coverage(series.id, range)).missing(range);
}

export function instrumentOf(series: SeriesRow): Instrument {
  const { venue, market, symbol, priceScale, sizeScale, tickUnits, lotUnits } = series;
  return { venue, market, symbol, priceScale, sizeScale, tickUnits, lotUnits };
}

async function fetchWhole(
  { venueOf, pastMs }: ChunkRunnerDeps,
  instrument: Instrument,
  range: MinuteRange,
  signal: AbortSignal,
): Promise<TradesOfRange> {
  const fetched = await venueOf(instrument.venue, instrument.market).trades(instrument, range, { signal });
  const earlyMs = msOfMinute(range.hi) - pastMs();
  if (fetched.openEnd === true && earlyMs > 0)
    throw new OperationFailure(
      "transient",
      `${symbolName(instrument)}: the minutes up to ${formatMinute(range.hi)} are not over by both clocks, the machine's and ` +
        `the venue's (${Math.ceil(earlyMs)} ms are left), and no later trade proves it`,
      { retryAfterMs: Math.min(earlyMs, OPEN_END_WAIT_MS_MAX) },
    );
  const gap = fetched.idGaps[0];
  if (gap === undefined) return fetched;
  const more = fetched.idGaps.length > 1 ? ` and ${fetched.idGaps.length - 1} more spans` : "";
  throw new OperationFailure(
    "transient",
    `${symbolName(instrument)}: the venue left out trade ids ${gap.from} to ${gap.to - 1}${more}, asked twice`,
  );
}

/** The series at scales that hold this batch; they grow when the venue trades in finer steps than it said. */
async function fittingSeries(
  jobs: ChunkRunnerDeps["jobs"],
  series: SeriesRow,
  batch: TradeBatch,
): Promise<SeriesRow> {
  const finest = finestScales(series, batch.scales);
  if (sameScales(finest, series)) return series;
  return jobs.growScales(series.id, finest.priceScale, finest.sizeScale);
}

export interface SegmentInput {
  readonly kind: NewSegment["kind"];
  readonly origin: string;
  readonly instrument: Instrument;
  readonly range: MinuteRange;
  readonly batch: TradeBatch;
  readonly contributions: MinuteContributions;
}

/** Writes the trades of a segment to the tape and describes it for the commit. */
export async function segmentOf(tape: Pick<Tape, "write">, input: SegmentInput): Promise<NewSegment> {
  const { kind, origin, instrument, range, batch, contributions } = input;
  const files = batch.length === 0 ? [] : await tape.write({ series: instrument, batch, range, origin });
  return {
    kind,
    origin,
    range,
    files,
    rows: batch.length,
    digest: digestOf(contributions),
    ...(batch.length === 0
      ? {}
      : {
          firstId: String(batch.id[0]!),
          lastId: String(batch.id[batch.length - 1]!),
          firstTimeUs: Math.min(...contributions.minutes.map((m) => m.firstTimeUs)),
          lastTimeUs: Math.max(...contributions.minutes.map((m) => m.lastTimeUs)),
        }),
  };
}

/** The failure in what a chunk threw: bugs of our own are permanent, because trying again cannot help. */
export function operationFailure(thrown: unknown): OperationFailure {
  if (thrown instanceof CoverageConflict || thrown instanceof InvariantError)
    return new OperationFailure("permanent", `bug: ${thrown.message}`, { cause: thrown });
  return failureOf(thrown);
}

/** Commits; when the answer is lost, looks whether the commit went through before trying again. */
async function commit(
  { jobs, sleep }: ChunkRunnerDeps,
  { lease, job }: ClaimedChunk,
  result: Parameters<JobStore["commit"]>[1],
  assertHeld: () => void,
  claimNext: () => ClaimOptions | undefined,
): Promise<CommitOutcome> {
  let last: unknown;
  for (let tries = 0; tries < COMMIT_TRIES; tries++) {
    try {
      if (tries > 0) await sleep(COMMIT_RETRY_MS * tries);
      const before = tries > 0 ? await ownCommit(jobs, lease, job.id) : undefined;
      if (before !== undefined) return before;
      assertHeld();
      const outcome = await jobs.commit(lease, result, claimNext());
      // A commit that was given up may go through later, and what refuses this one may be that one.
      return outcome.kind === "lost" && tries > 0
        ? ((await ownCommit(jobs, lease, job.id)) ?? outcome)
        : outcome;
    } catch (thrown) {
      last = thrown;
      if (operationFailure(thrown).kind === "permanent") break;
    }
  }
  throw last;
}

/** The commit of this very lease, when it has gone through. What it took along is not ours to run: its lease may be old. */
async function ownCommit(
  jobs: ChunkRunnerDeps["jobs"],
  lease: ChunkLease,
  jobId: string,
): Promise<CommitOutcome | undefined> {
  const row = await jobs.readChunk(lease.chunkId);
  if (row?.status !== "done" || row.leaseToken !== lease.token) return undefined;
  const progress = await jobs.job(jobId);
  return progress && { kind: "committed", segmentIds: row.segmentIds, job: progress, events: [] };
}
