import {
  type Clock,
  Coverage,
  failureOf,
  type MinuteRange,
  minuteOfMs,
  type OperationFailure,
  pause,
  symbolName,
} from "../core/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import type { CommittedChunk } from "./chunk-runner.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { SymbolPlan } from "./job-planner.ts";
import type { JobStore } from "./job-store.ts";
import type { BackfillRequest, SymbolRef } from "./request.ts";
import type { RequestPlanner, WantedRange } from "./request-planner.ts";
import type { SegmentReader } from "./segment-reader.ts";
import type { OpenSeries, SeriesCatalog } from "./series-catalog.ts";
import type { ControlOutcome, JobCommand } from "./store/command.ts";
import { JobTooLarge } from "./store/errors.ts";
import { CHUNKS_PER_JOB_MAX, type CreateOutcome } from "./store/jobs.ts";
import type { JobProgress, NewChunk, NewJob, Settled } from "./store/types.ts";
import { readWrittenRequest, requestKeyOf, uniqueRequestKey, writtenRequest } from "./written-request.ts";

/** Chunks that are written while whoever asked waits: one statement, tens of milliseconds. More are planned in the background. */
const PLANNED_AT_ONCE_MAX = 2_000;
/** Symbols that are new here and looked up while whoever asked waits: one flight of requests. */
const LOOKED_UP_AT_ONCE_MAX = 4;
/** How long that may take, ms. */
const LOOK_UP_MS = 1_500;

export interface BackfillServiceDeps {
  readonly jobs: Pick<JobStore, "createJob" | "control" | "coverage">;
  readonly store: ProfileStore;
  readonly catalog: Pick<SeriesCatalog, "series" | "known">;
  readonly planner: RequestPlanner;
  readonly reader: Pick<SegmentReader, "read">;
  readonly dispatcher: Pick<Dispatcher, "nudge" | "heed">;
  readonly clock: Clock;
  readonly parallel: number;
  readonly onSettled: (settled: Settled) => void;
  /** A job has symbols that wait to be planned. */
  readonly onWaiting: () => void;
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
   * Makes the job of a request, answered without waiting for the venue: symbols that are known here are planned at once, as far as that
   * is little work; the others in the background, and one that cannot be served ends by itself. What the process asks of
   * itself (start-up, repair) is planned whole. Throws `JobTooLarge`, and then {@link SymbolRefused}.
   */
  async submit(request: BackfillRequest, signal: AbortSignal): Promise<Submitted> {
    const { dispatcher, parallel, onSettled, onWaiting } = this.#deps;
    const range = this.#endedMinutes(request.range);
    const timeframes = request.timeframes ?? [];
    const plan = await this.#planKnown(request, { ...request, range, timeframes }, signal);
    const job: NewJob = {
      request: writtenRequest(request, range),
      requestKey: requestKeyOf(request, range),
      dataset: timeframes.length > 0 ? "candles" : "trades",
      priority: request.priority,
      deadlineSeconds: request.deadlineSeconds,
      maxParallel: parallel,
      ...plan,
    };
    const created = await this.#create(job, request);
    onSettled(created);
    dispatcher.nudge();
    if (created.job.planning) onWaiting();
    return { kind: created.kind, job: created.job };
  }

  /** Looks up a symbol of a job and plans it. Throws `OperationFailure`, `permanent` when it cannot be served. */
  async planSymbol(job: JobProgress, symbol: SymbolRef, signal: AbortSignal): Promise<SymbolPlan> {
    const { catalog, planner } = this.#deps;
    const open = await catalog.series(symbol, signal);
    const request = readWrittenRequest(job.request);
    const range = { lo: minuteOfMs(Date.parse(request.from)), hi: minuteOfMs(Date.parse(request.to)) };
    return { seriesId: open.row.id, chunks: await planner.plan([open], { ...request, range }) };
  }

  /** Tells a job what to do. Chunks of it that run in this process let go at once where it is not to run any more. */
  async control(jobId: string, command: JobCommand): Promise<ControlOutcome> {
    const { jobs, dispatcher, onSettled, onWaiting } = this.#deps;
    const outcome = await jobs.control(jobId, command);
    if (outcome.kind !== "moved") return outcome;
    dispatcher.heed(outcome.job);
    onSettled(outcome);
    if (outcome.job.intent === "run") dispatcher.nudge();
    if (outcome.job.planning) onWaiting();
    return outcome;
  }

  /** A chunk was committed: the store takes over its minutes. */
  applyCommit({ series, pieces }: Omit<CommittedChunk, "segmentIds">): void {
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
  async #create(job: NewJob, { force, reason, requestKey }: BackfillRequest): Promise<CreateOutcome> {
    const { jobs } = this.#deps;
    if (requestKey !== undefined) return jobs.createJob({ ...job, requestKey });
    const again = { ...job, requestKey: uniqueRequestKey(job.requestKey) };
    if (force || reason !== "request") return jobs.createJob(again);
    const created = await jobs.createJob(job);
    const ended = created.kind === "existing" && created.job.finishedAt !== undefined;
    const missing = job.chunks.length > 0 || job.parts?.some(({ seriesId }) => seriesId === undefined);
    return ended && missing ? jobs.createJob(again) : created;
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

  /** The symbols of a request, each once, with the chunks of those that are planned now. */
  async #planKnown(
    request: BackfillRequest,
    wanted: WantedRange,
    signal: AbortSignal,
  ): Promise<Pick<NewJob, "chunks" | "parts">> {
    const { catalog, planner } = this.#deps;
    const symbols = [...new Map(request.symbols.map((ref) => [symbolName(ref), ref])).values()];
    const whole = request.reason === "request" ? undefined : await this.#seriesOf(symbols, signal);
    if (whole === undefined) await this.#lookUp(symbols, signal);
    const series = whole ?? symbols.map((ref) => catalog.known(ref));
    const known = series.filter((open) => open !== undefined);
    const planned = Map.groupBy(await planner.plan(known, wanted), ({ seriesId }) => seriesId);
    const chunks: NewChunk[] = [];
    let total = 0;
    const ids = series.map((open) => {
      const own = open && (planned.get(open.row.id) ?? []);
      total += own?.length ?? planner.chunksUpTo(wanted);
      if (own === undefined || (whole === undefined && chunks.length + own.length > PLANNED_AT_ONCE_MAX))
        return undefined;
      chunks.push(...own);
      return open?.row.id;
    });
    if (total > CHUNKS_PER_JOB_MAX) throw new JobTooLarge(total, CHUNKS_PER_JOB_MAX);
    const timeframes = wanted.timeframes.length > 0 ? wanted.timeframes : [undefined];
    const parts = symbols.flatMap(({ venue, symbol }, at) =>
      timeframes.map((timeframe) => ({ venue, symbol, timeframe, seriesId: ids[at] })),
    );
    return { chunks, parts };
  }

  /** Looks up a few unknown symbols at once, within a bounded time, so that the answer to a small request is complete. */
  async #lookUp(symbols: readonly SymbolRef[], signal: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#deps;
    const unknown = symbols.filter((ref) => catalog.known(ref) === undefined);
    if (unknown.length === 0 || unknown.length > LOOKED_UP_AT_ONCE_MAX) return;
    const over = new AbortController();
    // What comes late, or fails, is the background's: it asks for the same look-ups again.
    const lookedUp = Promise.allSettled(unknown.map((ref) => catalog.series(ref, signal)));
    await Promise.race([lookedUp, pause(clock, LOOK_UP_MS, over.signal)]);
    over.abort();
  }

  #endedMinutes({ lo, hi }: MinuteRange): MinuteRange {
    const ended = minuteOfMs(this.#deps.clock.nowMs());
    return { lo, hi: Math.max(lo, Math.min(hi, ended)) };
  }
}
