import { type Clock, failureOf, Lookout } from "../core/mod.ts";
import { requestOfTemplate } from "../protocol/mod.ts";
import { readCron } from "./cron-times.ts";
import { minutesOfRun } from "./missed-runs.ts";
import type { DueSchedule, ScheduleStore } from "./schedule-store.ts";

/** How long a process may take to submit a run before another one tries; submitting is given up before. */
const LEASE_MS = 60_000;
const SUBMIT_TIMEOUT_MS = 45_000;
/** Wait after a run that could not be submitted, unless the answer named another. */
const RETRY_MS = 30_000;
/** Longest sleep: schedules that another process has changed are seen by then. */
const SLEEP_MS_MAX = 60_000;
/** Shortest sleep, so that clocks which differ a little do not make a busy loop. */
const SLEEP_MS_MIN = 50;
/** Sleep after the database could not be asked. */
const TROUBLE_MS = 5_000;

export type RunOutcome =
  | { readonly kind: "submitted"; readonly jobId: string }
  /** Trying again cannot help: the run is over. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string; readonly retryAfterMs?: number | undefined };

export interface SchedulerDeps {
  readonly store: ScheduleStore;
  readonly clock: Clock;
  /** Lets everything that waits for the event loop have its turn. */
  readonly yieldTurn: () => Promise<void>;
  /** Submits the body of a backfill request; the same `requestKey` again gives the same job. */
  readonly submit: (body: unknown, requestKey: string, signal: AbortSignal) => Promise<RunOutcome>;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
}

/**
 * Runs what is due, once however many processes do this. A run is decided in its row first; it is submitted under a key made of the
 * schedule and that due time, so a crash in between neither loses nor doubles it; then the row moves on. What was missed while
 * no process was up is caught up by one run.
 */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #lookout: Lookout;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#lookout = new Lookout(deps.clock, (signal) => this.#look(signal));
  }

  start(): void {
    this.#lookout.start();
  }

  /** Schedules have changed: look now. */
  nudge(): void {
    this.#lookout.nudge();
  }

  stop(): Promise<void> {
    return this.#lookout.stop();
  }

  /** Answers how long to sleep, ms. */
  async #look(signal: AbortSignal): Promise<number> {
    const { store, clock, log } = this.#deps;
    let sleepMs = SLEEP_MS_MAX;
    try {
      for (;;) {
        if (signal.aborted) return sleepMs;
        const due = await store.firstDue(clock.nowMs());
        if (due === undefined) break;
        await this.#runDue(due);
      }
      sleepMs = Math.min(SLEEP_MS_MAX, (await store.nextWaitMs(clock.nowMs())) ?? SLEEP_MS_MAX);
    } catch (thrown) {
      sleepMs = TROUBLE_MS;
      if (!signal.aborted) log.warn({}, `schedules could not be looked at: ${failureOf(thrown).message}`);
    }
    return Math.max(SLEEP_MS_MIN, Math.ceil(sleepMs));
  }

  async #runDue(due: DueSchedule): Promise<void> {
    const { store, clock, yieldTurn, log } = this.#deps;
    const nowMs = clock.nowMs();
    const read = readCron(due.cron, due.zone, nowMs);
    if (read.kind !== "times") {
      // It was fine when it was written down: the runtime's zone data must have changed since.
      if (await store.take(due, due.runDue ?? due.seen, LEASE_MS))
        await store.end(due, due.runDue ?? due.seen, { jobId: null, error: read.reason, nextRunAtMs: null });
      return;
    }
    const { times } = read;
    const runDue = due.runDue ?? Math.max(due.seen, times.before(nowMs, 1)[0] ?? due.seen);
    if (!(await store.take(due, runDue, LEASE_MS))) return;
    const fields = { schedule: due.name, due: new Date(runDue).toISOString() };
    const minutes = await minutesOfRun(
      { since: due.seen, due: runDue, range: due.request.range },
      times,
      yieldTurn,
    );
    const outcome = await this.#submit(requestOfTemplate(due.request, minutes), requestKeyOf(due.id, runDue));
    if (outcome.kind === "unavailable") {
      const delayMs = this.#lookout.signal.aborted ? 0 : Math.max(RETRY_MS, outcome.retryAfterMs ?? 0);
      log.warn({ ...fields, retryInMs: delayMs }, `a scheduled backfill waits: ${outcome.reason}`);
      return store.postpone(due, runDue, delayMs, outcome.reason);
    }
    const jobId = outcome.kind === "submitted" ? outcome.jobId : null;
    const error = outcome.kind === "refused" ? outcome.reason : null;
    await store.end(due, runDue, { jobId, error, nextRunAtMs: times.next(runDue) ?? null });
    if (error === null) log.info({ ...fields, jobId }, "a scheduled backfill was submitted");
    else log.warn(fields, `a scheduled backfill was refused: ${error}`);
  }

  async #submit(body: unknown, requestKey: string): Promise<RunOutcome> {
    const { clock, submit } = this.#deps;
    const late = new AbortController();
    const cancel = clock.after(SUBMIT_TIMEOUT_MS, () =>
      late.abort(new DOMException(`no job within ${SUBMIT_TIMEOUT_MS / 1_000} s`, "TimeoutError")),
    );
    try {
      return await submit(body, requestKey, AbortSignal.any([this.#lookout.signal, late.signal]));
    } catch (thrown) {
      return { kind: "unavailable", reason: failureOf(thrown).message };
    } finally {
      cancel();
    }
  }
}

/** The key of a run's job: one job for one due time of one schedule. */
export function requestKeyOf(scheduleId: string, dueMs: number): string {
  return `schedule ${scheduleId} ${new Date(dueMs).toISOString()}`;
}
