import * as v from "valibot";
import {
  backfillIsWell,
  JobAnswer,
  jobHasEnded,
  Problem,
  StartupAnswer,
  WAIT_SECONDS_MAX,
} from "../protocol/mod.ts";
import { type BackfillReached, BackfillWaitError, reachedText } from "./backfill-wait-error.ts";
import { type Answer, addressOf, ask, type ServerTarget } from "./server-target.ts";

/** Time between two looks at a server that does not answer or cannot hold requests back, and in the last second, ms. */
const LOOK_GAP_MS = 100;

export type WaitForBackfillOptions = ServerTarget & {
  /** Longest wait, ms. */
  readonly timeoutMs: number;
  /** `complete` (default) rejects when it ends otherwise; `ended` takes every end. */
  readonly until?: "complete" | "ended";
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
};

/** One kind of backfill: where its status is read and what it says. */
interface Subject<T> {
  readonly name: string;
  readonly path: string;
  readonly schema: v.GenericSchema<unknown, T>;
  readonly reached: (answer: T) => BackfillReached;
}

/**
 * Waits for a job, or without `jobId` for the start-up backfill, and answers it as it ended: `complete`, or at start-up also
 * `skipped` and `disabled`. A server that is away is waited for, too. Throws {@link BackfillWaitError}, which says what was
 * reached.
 */
export function waitForBackfill(
  options: WaitForBackfillOptions & { readonly jobId: string },
): Promise<JobAnswer>;
export function waitForBackfill(
  options: WaitForBackfillOptions & { readonly jobId?: undefined },
): Promise<StartupAnswer>;
export function waitForBackfill({
  jobId,
  ...options
}: WaitForBackfillOptions & { readonly jobId?: string | undefined }): Promise<JobAnswer | StartupAnswer> {
  return jobId === undefined ? waitFor(STARTUP, options) : waitFor(jobSubject(jobId), options);
}

const STARTUP: Subject<StartupAnswer> = {
  name: "the start-up backfill",
  path: "/backfill/status",
  schema: StartupAnswer,
  reached: (startup) => ({
    status: startup.status,
    percentage: startup.percentage,
    chunksDone: startup.chunks_done,
    chunksTotal: startup.chunks_total,
    error: startup.error,
  }),
};

function jobSubject(jobId: string): Subject<JobAnswer> {
  return {
    name: `job ${jobId}`,
    path: `/api/v1/backfill/status/${encodeURIComponent(jobId)}`,
    schema: JobAnswer,
    reached: (job) => ({
      status: job.status,
      percentage: job.progress_pct,
      chunksDone: job.chunks_done,
      chunksTotal: job.chunks_total,
      error: job.error ?? undefined,
    }),
  };
}

async function waitFor<T>(subject: Subject<T>, options: WaitForBackfillOptions): Promise<T> {
  const { timeoutMs, until = "complete", signal } = options;
  const deadline = performance.now() + timeoutMs;
  let reached: BackfillReached | undefined;
  let trouble: unknown;
  for (let first = true; ; first = false) {
    signal?.throwIfAborted();
    const leftMs = deadline - performance.now();
    if (leftMs <= 0 && !first) break;
    // The first look does not wait, so that there is something to tell; the last second is looked at in steps.
    const seconds = first ? 0 : Math.min(WAIT_SECONDS_MAX, Math.floor(leftMs / 1_000));
    const path = seconds === 0 ? subject.path : `${subject.path}?wait=${seconds}`;
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(leftMs)));
    const outcome = await look(
      subject,
      options,
      path,
      signal === undefined ? limit : AbortSignal.any([signal, limit]),
    );
    if (outcome.kind === "trouble") trouble = outcome.cause;
    else {
      trouble = undefined;
      reached = subject.reached(outcome.answer);
      if (until === "ended" ? jobHasEnded(reached.status) : backfillIsWell(reached.status))
        return outcome.answer;
      if (jobHasEnded(reached.status))
        throw new BackfillWaitError("ended", `${subject.name} ended ${reachedText(reached)}`, { reached });
    }
    if (outcome.kind === "trouble" || (seconds === 0 && !first))
      await delay(Math.min(LOOK_GAP_MS, leftMs), signal);
  }
  const state =
    reached === undefined ? "the server has not said where it stands" : `it is ${reachedText(reached)}`;
  const away = trouble === undefined ? "" : ` (no answer at last: ${messageOf(trouble)})`;
  throw new BackfillWaitError("timeout", `waited ${timeoutMs} ms for ${subject.name}: ${state}${away}`, {
    reached,
    cause: trouble,
  });
}

type Look<T> =
  | { readonly kind: "answer"; readonly answer: T }
  /** Nobody answered, or the server cannot just now: worth another look. */
  | { readonly kind: "trouble"; readonly cause: unknown };

async function look<T>(
  { schema, name }: Subject<T>,
  options: WaitForBackfillOptions,
  path: string,
  signal: AbortSignal,
): Promise<Look<T>> {
  let answer: Answer;
  try {
    answer = await ask(options, path, signal);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    return { kind: "trouble", cause: thrown };
  }
  const { status, body } = answer;
  const what = `GET ${addressOf(options, path)} answered ${status}`;
  if (status >= 500) return { kind: "trouble", cause: new Error(`${what}${problemText(body)}`) };
  const parsed = v.safeParse(schema, body);
  if (status < 400 && parsed.success) return { kind: "answer", answer: parsed.output };
  throw new BackfillWaitError("refused", `${name} cannot be waited for: ${what}${problemText(body)}`);
}

function problemText(body: unknown): string {
  const parsed = v.safeParse(Problem, body);
  return parsed.success ? `, ${parsed.output.detail}` : ", and not as this API does";
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Waits `ms`, or until `signal` aborts. */
function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
