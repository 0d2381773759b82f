import type { JobProgress, Settled } from "../backfill/mod.ts";
import { readWrittenRequest, type WrittenRequest } from "../backfill/mod.ts";
import { type MinuteRange, minuteOfMs } from "../core/mod.ts";

/** Ended jobs remembered for a while, so that late questions find them; about 1 kB each. */
const REMEMBERED_MAX = 200;

export interface BoardEntry {
  readonly job: JobProgress;
  readonly request: WrittenRequest;
  readonly range: MinuteRange;
  /** Milliseconds left, as the last minute's pace has it; undefined before the first chunk ended here. */
  readonly etaMs: number | undefined;
}

interface Tracked extends BoardEntry {
  readonly first: { readonly at: number; readonly ended: number };
}

/** What the jobs of this process are at, from memory: the newest counters of each. */
export class JobBoard {
  readonly #jobs = new Map<string, Tracked>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes a job's newer counters; answers its entry, or undefined when they were older than the known ones. */
  observe({ job }: Pick<Settled, "job">): BoardEntry | undefined {
    const former = this.#jobs.get(job.id);
    if (former !== undefined && former.job.version > job.version) return undefined;
    const ended = job.chunksDone + job.chunksFailed;
    const first = former?.first ?? { at: this.#now(), ended };
    const request = former?.request ?? readWrittenRequest(job.request);
    const range = former?.range ?? {
      lo: minuteOfMs(Date.parse(request.from)),
      hi: minuteOfMs(Date.parse(request.to)),
    };
    const since = ended - first.ended;
    const etaMs = since === 0 ? undefined : ((this.#now() - first.at) / since) * (job.chunksTotal - ended);
    const entry: Tracked = { job, request, range, etaMs, first };
    this.#jobs.delete(job.id);
    this.#jobs.set(job.id, entry);
    this.#forget();
    return entry;
  }

  find(jobId: string): BoardEntry | undefined {
    return this.#jobs.get(jobId);
  }

  /** The newest unfinished trade job that works on minutes of `range` of a symbol. */
  workingOn(symbol: string, range: MinuteRange): BoardEntry | undefined {
    let found: Tracked | undefined;
    for (const entry of this.#jobs.values()) {
      if (entry.job.finishedAt !== undefined || entry.job.dataset !== "trades") continue;
      if (!entry.request.symbols.includes(symbol)) continue;
      if (entry.range.lo < range.hi && range.lo < entry.range.hi) found = entry;
    }
    return found;
  }

  #forget(): void {
    if (this.#jobs.size <= REMEMBERED_MAX) return;
    for (const [id, { job }] of this.#jobs) {
      if (job.finishedAt === undefined) continue;
      this.#jobs.delete(id);
      return;
    }
  }
}
