import type { JobStatus } from "../../../db/mod.ts";
import {
  BACKFILL_CHANNEL,
  type ChannelState,
  type JobEvent,
  jobChannel,
} from "../../../src/backfill/store/events.ts";
import type { Settled } from "../../../src/backfill/store/types.ts";
import {
  chunkEndEvent,
  formatTime,
  invariant,
  isEndedState,
  type JobStateEvent,
  jobOutcome,
} from "../../../src/core/mod.ts";
import { assertCounters, type JobRow, type MemoryTables, progressOf } from "./memory-tables.ts";

const EVENTS_MAX = 1_000;

/** The event log: a channel for all jobs and one for each. */
export class MemoryEvents {
  readonly #channels = new Map<string, JobEvent[]>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  append(job: JobRow, from: JobStatus): JobEvent[] {
    const data = {
      job_id: job.id,
      from,
      to: job.status,
      status: job.status,
      progress_pct: progressOf(job).progressPct,
      at: formatTime(this.#nowMs()),
      ...(job.status === "error" && job.error !== undefined ? { error: job.error } : {}),
    };
    return [BACKFILL_CHANNEL, jobChannel(job.id)].map((channel) => {
      const events = this.#channels.get(channel) ?? [];
      this.#channels.set(channel, events);
      const event = { channel, epoch: epochOf(channel), offset: events.length + 1, data };
      events.push(event);
      return event;
    });
  }

  read(channel: string, sinceOffset: number, limit: number): JobEvent[] {
    const events = this.#channels.get(channel) ?? [];
    return events.slice(sinceOffset, sinceOffset + Math.min(limit, EVENTS_MAX));
  }

  state(channel: string): ChannelState | undefined {
    const events = this.#channels.get(channel);
    return events === undefined ? undefined : { epoch: epochOf(channel), offset: events.length };
  }
}

function epochOf(channel: string): string {
  return channel.length.toString(16).padStart(8, "0");
}

/** How one operation changes the counters of a job. */
export interface Change {
  readonly leased?: number;
  readonly done?: number;
  readonly failed?: number;
  /** Chunks given back; to a job that has ended they are called off. */
  readonly back?: number;
  readonly fetched?: number;
  readonly inserted?: number;
  readonly error?: string | undefined;
}

/**
 * Applies a change and what it means for the job's state. Throws, with nothing changed, where the table's check would.
 */
export function changeCounters(
  tables: MemoryTables,
  events: MemoryEvents,
  jobId: string,
  change: Change,
): Settled {
  const job = tables.job(jobId);
  const { leased = 0, done = 0, failed = 0, back = 0 } = change;
  const ended = isEndedState(job.status);
  const changed: JobRow = {
    ...job,
    leased: job.leased + leased,
    chunksDone: job.chunksDone + done,
    chunksFailed: job.chunksFailed + failed,
    chunksCancelled: job.chunksCancelled + (ended ? back : 0),
    recordsFetched: job.recordsFetched + (change.fetched ?? 0),
    recordsInserted: job.recordsInserted + (change.inserted ?? 0),
    servedAt: leased > 0 ? tables.nowMs() : job.servedAt,
    version: job.version + 1,
    error: ended ? job.error : (change.error ?? job.error),
  };
  assertCounters(changed);
  Object.assign(job, changed);
  const event = leased > 0 ? "claim" : done + failed > 0 ? chunkEndEvent(job) : "chunk_back";
  return applyEvent(tables, events, job, event);
}

/** Lets an event happen to a job, with a change of its row; the machine has been asked where the event comes from outside. */
export function applyEvent(
  tables: MemoryTables,
  events: MemoryEvents,
  job: JobRow,
  event: JobStateEvent,
  change: Partial<JobRow> = {},
): Settled {
  const outcome = jobOutcome(job.status, event);
  invariant(outcome.kind !== "refused", `job ${job.id} is ${job.status} and met ${event}`);
  if (outcome.kind === "stays" && Object.keys(change).length === 0)
    return { job: progressOf(job), events: [] };
  const from = job.status;
  const changed = { ...job, ...change, version: job.version + 1 };
  assertCounters(changed);
  Object.assign(job, changed);
  if (outcome.kind === "stays") return { job: progressOf(job), events: [] };
  job.status = outcome.to;
  job.finishedAt = isEndedState(outcome.to) ? tables.nowMs() : undefined;
  if (outcome.to === "in_progress") job.startedAt ??= tables.nowMs();
  return { job: progressOf(job), events: events.append(job, from) };
}
