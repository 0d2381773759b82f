import {
  type BackfillService,
  type JobDetail,
  type JobProgress,
  type JobStore,
  JobTooLarge,
  readWrittenRequest,
  type StartupBackfill,
  SymbolRefused,
} from "../backfill/mod.ts";
import { failureOf, symbolName } from "../core/mod.ts";
import type { CallOptions, BackfillFace as HttpBackfillFace, SubmitOutcome } from "../http/mod.ts";
import type { BackfillRequest, JobFacts, StartupFacts } from "../protocol/mod.ts";
import type { VenueRegistry } from "../venues/mod.ts";
import type { JobBoard } from "./job-board.ts";

export interface BackfillFaceDeps {
  readonly jobs: JobStore;
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

  async submit(request: BackfillRequest, { signal }: CallOptions): Promise<SubmitOutcome> {
    const { venues, service } = this.#deps;
    const strange = request.symbols.filter(({ venue }) => venues.find(venue) === undefined);
    if (strange.length > 0) return { kind: "unknown_venue", symbols: strange, known: venues.names };
    try {
      const { job } = await service.submit({ ...request, reason: "request" }, signal);
      return { kind: "accepted", jobId: job.id, status: job.status };
    } catch (thrown) {
      if (thrown instanceof SymbolRefused && thrown.failure.kind === "permanent")
        return { kind: "refused_symbol", index: thrown.index, symbol: thrown.symbol, detail: thrown.message };
      if (thrown instanceof JobTooLarge) return { kind: "too_large", detail: thrown.message };
      const failure = failureOf(thrown instanceof SymbolRefused ? thrown.failure : thrown);
      if (failure.kind === "permanent" || failure.cause === undefined) throw thrown;
      return {
        kind: "unavailable",
        detail: failure.message,
        retryAfterSeconds: Math.max(1, Math.ceil((failure.retryAfterMs ?? 1_000) / 1_000)),
      };
    }
  }

  async job(id: string, _options: CallOptions): Promise<JobFacts | undefined> {
    const job = await this.#deps.jobs.job(id);
    return job === undefined ? undefined : this.#facts(job);
  }

  async recent(limit: number, _options: CallOptions): Promise<readonly JobFacts[]> {
    const jobs = await this.#deps.jobs.recentJobs(limit);
    return Promise.all(jobs.map((job) => this.#facts(job)));
  }

  startup(): StartupFacts {
    const { error, ...status } = this.#deps.startup.status();
    return error === null ? status : { ...status, error };
  }

  async #facts(job: JobProgress): Promise<JobFacts> {
    const details = await this.#deps.jobs.jobDetails(job.id);
    const request = readWrittenRequest(job.request);
    const etaMs = this.#deps.board.find(job.id)?.etaMs;
    const bySymbol = new Map(details.map((detail) => [symbolName(detail), detail]));
    return {
      jobId: job.id,
      status: job.status,
      chunksTotal: job.chunksTotal,
      chunksDone: job.chunksDone,
      chunksFailed: job.chunksFailed,
      recordsFetched: job.recordsFetched,
      recordsInserted: job.recordsInserted,
      startMs: Date.parse(request.from),
      endMs: Date.parse(request.to),
      createdAtMs: job.createdAt.getTime(),
      startedAtMs: job.startedAt?.getTime() ?? null,
      completedAtMs: job.finishedAt?.getTime() ?? null,
      etaSeconds: job.finishedAt !== undefined ? 0 : etaMs === undefined ? null : Math.ceil(etaMs / 1_000),
      error: job.error ?? null,
      symbols: request.symbols.map((symbol) => symbolFacts(symbol, bySymbol.get(symbol), job)),
    };
  }
}

/** A symbol without chunks had nothing missing: it stands where its job stands. */
function symbolFacts(
  symbol: string,
  detail: JobDetail | undefined,
  job: JobProgress,
): JobFacts["symbols"][number] {
  return {
    symbol,
    status: detail?.status ?? (job.finishedAt === undefined ? "complete" : job.status),
    chunksTotal: detail?.chunksTotal ?? 0,
    chunksDone: detail?.chunksDone ?? 0,
    chunksFailed: detail?.chunksFailed ?? 0,
    recordsFetched: detail?.records ?? 0,
    recordsInserted: detail?.records ?? 0,
    error: detail?.error ?? null,
  };
}
