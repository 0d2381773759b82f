import {
  type BackfillService,
  type JobDetail,
  type JobProgress,
  JobTooLarge,
  type PartSummary,
  readWrittenRequest,
  type StartupBackfill,
  type WrittenRequest,
} from "../backfill/mod.ts";
import { failureOf, symbolName } from "../core/mod.ts";
import type {
  CallOptions,
  BackfillFace as HttpBackfillFace,
  ReadOptions,
  SubmitOutcome,
} from "../http/mod.ts";
import type { BackfillRequest, JobFacts, JobSummaryFacts, StartupFacts } from "../protocol/mod.ts";
import type { VenueRegistry } from "../venues/mod.ts";
import type { JobBoard } from "./job-board.ts";
import type { JobReadings } from "./job-readings.ts";

export interface BackfillFaceDeps {
  readonly readings: Pick<JobReadings, "job" | "recent">;
  readonly service: BackfillService;
  readonly startup: StartupBackfill;
  readonly board: JobBoard;
  readonly venues: VenueRegistry;
}

/** Backfill as the HTTP app sees it. */
export class BackfillFace implements HttpBackfillFace {
  readonly #deps: BackfillFaceDeps;

  constructor(deps: BackfillFaceDeps) {
    this.#deps = deps;
  }

  async submit(
    request: BackfillRequest,
    { signal, requestKey }: CallOptions & { readonly requestKey?: string },
  ): Promise<SubmitOutcome> {
    const { venues, service, readings } = this.#deps;
    const strange = request.symbols.filter(({ venue }) => venues.find(venue) === undefined);
    if (strange.length > 0) return { kind: "unknown_venue", symbols: strange, known: venues.names };
    try {
      const { job } = await service.submit({ ...request, reason: "request", requestKey }, signal);
      // Who asks for a job looks at it next. What fails is told then.
      readings.job(job.id).catch(() => undefined);
      return { kind: "accepted", jobId: job.id, status: job.status };
    } catch (thrown) {
      if (thrown instanceof JobTooLarge) return { kind: "too_large", detail: thrown.message };
      const failure = failureOf(thrown);
      if (failure.kind === "permanent" || failure.cause === undefined) throw thrown;
      return {
        kind: "unavailable",
        detail: failure.message,
        retryAfterSeconds: Math.max(1, Math.ceil((failure.retryAfterMs ?? 1_000) / 1_000)),
      };
    }
  }

  async job(id: string, { fresh = false }: ReadOptions): Promise<JobFacts | undefined> {
    const report = await this.#deps.readings.job(id, { fresh });
    if (report === undefined) return undefined;
    // The version is that of the details: who waits for a newer one gets newer details.
    return { ...this.#facts(this.#newest(report.job), report.details), version: report.job.version };
  }

  async recent(limit: number, _options: CallOptions): Promise<readonly JobSummaryFacts[]> {
    const { jobs, parts } = await this.#deps.readings.recent(limit);
    return jobs.map((job) => this.#summary(this.#newest(job), parts.get(job.id)));
  }

  startup(): StartupFacts {
    const { error, ...status } = this.#deps.startup.status();
    return error === null ? status : { ...status, error };
  }

  /** A job's counters as this process knows them, when it has heard of newer ones. */
  #newest(job: JobProgress): JobProgress {
    const known = this.#deps.board.find(job.id)?.job;
    return known !== undefined && known.version > job.version ? known : job;
  }

  #facts(job: JobProgress, details: readonly JobDetail[]): JobFacts {
    const request = readWrittenRequest(job.request);
    return {
      ...this.#common(job, request),
      symbols:
        details.length > 0
          ? details.map(detailFacts)
          : request.symbols.map((symbol) => ({ ...NOTHING, symbol, status: job.status })),
    };
  }

  #summary(job: JobProgress, parts: PartSummary | undefined): JobSummaryFacts {
    const request = readWrittenRequest(job.request);
    const at = parts?.current;
    return {
      ...this.#common(job, request),
      symbolNames: [...new Set(request.symbols)],
      timeframes: request.timeframes,
      symbolsCompleted: parts?.symbolsCompleted ?? 0,
      current: at === undefined ? null : { symbol: symbolName(at), timeframe: at.timeframe ?? null },
    };
  }

  #common(job: JobProgress, request: WrittenRequest) {
    const etaMs = this.#deps.board.find(job.id)?.etaMs;
    return {
      jobId: job.id,
      status: job.status,
      version: job.version,
      chunksTotal: job.chunksTotal,
      chunksDone: job.chunksDone,
      chunksFailed: job.chunksFailed,
      chunksCancelled: job.chunksCancelled,
      priority: job.priority,
      maxParallel: job.maxParallel,
      recordsFetched: job.recordsFetched,
      recordsInserted: job.recordsInserted,
      recordsUpdated: job.recordsUpdated,
      recordsUnchanged: job.recordsUnchanged,
      startMs: Date.parse(request.from),
      endMs: Date.parse(request.to),
      createdAtMs: job.createdAt.getTime(),
      startedAtMs: job.startedAt?.getTime() ?? null,
      completedAtMs: job.finishedAt?.getTime() ?? null,
      etaSeconds: job.finishedAt !== undefined ? 0 : etaMs === undefined ? null : Math.ceil(etaMs / 1_000),
      deadlineAtMs: job.deadlineAt?.getTime() ?? null,
      error: job.error ?? null,
    };
  }
}

/** A symbol of a job that was never to run: it stands where its job stands. */
const NOTHING = {
  timeframe: null,
  chunksTotal: 0,
  chunksDone: 0,
  chunksFailed: 0,
  recordsFetched: 0,
  recordsInserted: 0,
  recordsUpdated: 0,
  recordsUnchanged: 0,
  error: null,
};

function detailFacts(detail: JobDetail): JobFacts["symbols"][number] {
  const { timeframe, status, chunksTotal, chunksDone, chunksFailed, records, error } = detail;
  return {
    symbol: symbolName(detail),
    timeframe: timeframe ?? null,
    status,
    chunksTotal,
    chunksDone,
    chunksFailed,
    recordsFetched: records,
    recordsInserted: detail.recordsInserted,
    recordsUpdated: detail.recordsUpdated,
    recordsUnchanged: detail.recordsUnchanged,
    error: error ?? null,
  };
}
