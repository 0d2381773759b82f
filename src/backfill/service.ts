import {
  type Clock,
  Coverage,
  failureOf,
  type MinuteRange,
  minuteOfMs,
  type OperationFailure,
  symbolName,
} from "../core/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import type { CommittedChunk } from "./chunk-runner.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { JobStore } from "./job-store.ts";
import { planChunks, type SeriesPlan } from "./planner.ts";
import type { BackfillRequest, LiveClaims, SymbolRef } from "./request.ts";
import type { SegmentReader } from "./segment-reader.ts";
import type { OpenSeries, SeriesCatalog } from "./series-catalog.ts";
import type { CreateOutcome } from "./store/jobs.ts";
import type { JobProgress, NewJob, Settled } from "./store/types.ts";
import { requestKeyOf, uniqueRequestKey, writtenRequest } from "./written-request.ts";

export interface BackfillServiceDeps {
  readonly jobs: Pick<JobStore, "createJob" | "coverage" | "openRanges">;
  readonly store: ProfileStore;
  readonly catalog: Pick<SeriesCatalog, "series">;
  readonly reader: Pick<SegmentReader, "read" | "verify">;
  readonly dispatcher: Pick<Dispatcher, "nudge">;
  readonly live: LiveClaims;
  readonly clock: Clock;
  readonly chunkMinutes: number;
  readonly parallel: number;
  readonly onSettled: (settled: Settled) => void;
}

export interface Submitted {
  readonly kind: "created" | "existing";
  readonly job: JobProgress;
}

/** A symbol of a request that cannot be served, and why. */
export class SymbolRefused extends Error {
  override readonly name = "SymbolRefused";
  readonly index: number;
  readonly symbol: string;
  readonly failure: OperationFailure;
  constructor(index: number, symbol: string, failure: OperationFailure) {
    super(failure.message, { cause: failure });
    this.index = index;
    this.symbol = symbol;
    this.failure = failure;
  }
}

/** Turns requests into jobs: finds their series, subtracts what is known, and writes the plan down. */
export class BackfillService {
  readonly #deps: BackfillServiceDeps;

  constructor(deps: BackfillServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Plans a request and makes its job. Throws {@link SymbolRefused} for a symbol that cannot be served, `JobTooLarge`.
   */
  async submit(request: BackfillRequest, signal: AbortSignal): Promise<Submitted> {
    const { dispatcher, chunkMinutes, parallel, onSettled } = this.#deps;
    const series = await this.#seriesOf(request.symbols, signal);
    const range = this.#endedMinutes(request.range);
    const plans: SeriesPlan[] = [];
    // A symbol named twice is wanted once.
    for (const open of new Map(series.map((each) => [each.row.id, each])).values())
      plans.push({ seriesId: open.row.id, range, excluded: await this.#excluded(open, range, request) });
    const chunks = planChunks(plans, { order: request.order, chunkMinutes });
    const job: NewJob = {
      request: writtenRequest(request, range),
      requestKey: requestKeyOf(request, range),
      dataset: "trades",
      priority: request.priority,
      maxParallel: parallel,
      chunks,
    };
    const created = await this.#create(job, request);
    onSettled(created);
    dispatcher.nudge();
    return { kind: created.kind, job: created.job };
  }

  /** A chunk was committed: the store takes over its minutes. */
  applyCommit({ series, pieces }: CommittedChunk): void {
    const store = this.#deps.store.byId(series.id);
    if (store === undefined || pieces.length === 0) return;
    for (const { range, contributions } of pieces) store.commit(range, contributions);
    this.#deps.store.announce(store);
  }

  /** Minutes that the tape has lost. */
  applyLoss(seriesId: number, ranges: readonly MinuteRange[]): void {
    const store = this.#deps.store.byId(seriesId);
    if (store === undefined) return;
    for (const range of ranges) store.uncover(range);
    this.#deps.store.announce(store);
  }

  /** The same request twice is the same job, as long as that job is under way or nothing of it is missing. */
  async #create(job: NewJob, { force, reason }: BackfillRequest): Promise<CreateOutcome> {
    const { jobs } = this.#deps;
    const again = { ...job, requestKey: uniqueRequestKey(job.requestKey) };
    if (force || reason !== "request") return jobs.createJob(again);
    const created = await jobs.createJob(job);
    const ended = created.kind === "existing" && created.job.finishedAt !== undefined;
    return ended && job.chunks.length > 0 ? jobs.createJob(again) : created;
  }

  /** Brings the minutes of `range` in memory back to what the database and the tape say. */
  async resync(store: SeriesStore, range: MinuteRange): Promise<void> {
    const { jobs, reader } = this.#deps;
    const listed = Coverage.of(await jobs.coverage(store.seriesId, range));
    store.uncover(range);
    const contributions = await reader.read(store, listed);
    // Reading may have found a damaged file: its minutes are not listed any more.
    const still = Coverage.of(await jobs.coverage(store.seriesId, range));
    for (const part of still.ranges)
      for (const committed of listed.within(part).ranges) store.commit(committed, contributions);
    this.#deps.store.announce(store);
  }

  async #seriesOf(symbols: readonly SymbolRef[], signal: AbortSignal): Promise<OpenSeries[]> {
    const settled = await Promise.allSettled(symbols.map((ref) => this.#deps.catalog.series(ref, signal)));
    return settled.map((outcome, index) => {
      if (outcome.status === "fulfilled") return outcome.value;
      throw new SymbolRefused(index, symbolName(symbols[index]!), failureOf(outcome.reason));
    });
  }

  #endedMinutes({ lo, hi }: MinuteRange): MinuteRange {
    const ended = minuteOfMs(this.#deps.clock.nowMs());
    return { lo, hi: Math.max(lo, Math.min(hi, ended)) };
  }

  /**
   * What need not be fetched: minutes that are known or promised to the live stream. Work that nobody waits for leaves out what
   * another job has planned, too; a request keeps it, so that it ends when its minutes are there (they are fetched once).
   */
  async #excluded(
    { row, store }: OpenSeries,
    range: MinuteRange,
    request: BackfillRequest,
  ): Promise<Coverage> {
    const { reader, live, jobs } = this.#deps;
    if (request.force) {
      await live.flush(row.id);
      return live.heldMinutes(row.id, range);
    }
    // A listed file that is gone or damaged is found here, so that its minutes are fetched again.
    await reader.verify(row.id, range);
    const planned = request.reason === "request" ? [] : await jobs.openRanges(row.id, range);
    return Coverage.of([
      ...store.covered.within(range).ranges,
      ...live.heldMinutes(row.id, range).ranges,
      ...planned,
    ]);
  }
}
