import * as v from "valibot";
import { JobStatus } from "./job-status.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** `GET /health`; 200 as long as the server serves. */
export const HealthAnswer = v.object({
  status: v.picklist(["ok", "degraded"]),
  backfill_status: JobStatus,
  backfill_complete: v.boolean(),
});
export type HealthAnswer = v.InferOutput<typeof HealthAnswer>;

/** `GET /ready`. */
export const ReadyAnswer = v.object({
  symbol: v.string(),
  session: v.string(),
  /** False between two sessions: `session` is then the last one that began. */
  session_open: v.boolean(),
  session_from: v.string(),
  /** Exclusive. */
  session_to: v.string(),
  /** True once every level of the previous day is exact and the session has trades. */
  trading_enabled: v.boolean(),
  backfill: v.object({
    status: JobStatus,
    chunks_done: Count,
    chunks_total: Count,
    percentage: v.number(),
    eta_seconds: v.nullable(v.number()),
  }),
  /** `PRECISE` once no minute of the previous day and the session is missing. */
  metrics_precision: v.string(),
  timestamp: v.string(),
});
export type ReadyAnswer = v.InferOutput<typeof ReadyAnswer>;

/** `GET /backfill/status`: the start-up backfill. */
export const StartupAnswer = v.object({
  status: JobStatus,
  running: v.boolean(),
  percentage: v.number(),
  chunks_done: Count,
  chunks_total: Count,
  eta_seconds: v.nullable(v.number()),
  error: v.optional(v.string()),
});
export type StartupAnswer = v.InferOutput<typeof StartupAnswer>;

/** What a server knows of its start-up backfill, at any moment and from memory. */
export interface StartupFacts {
  readonly status: JobStatus;
  readonly running: boolean;
  readonly chunksDone: number;
  readonly chunksTotal: number;
  /** 0–100, rounded down so that 100 means complete. */
  readonly percentage: number;
  readonly etaSeconds: number | null;
  readonly error?: string | undefined;
}

/** Statuses with which nothing is left to wish for. */
const WELL: readonly JobStatus[] = ["complete", "skipped", "disabled"];

/** Whether a backfill has ended as it should, or was never to run. */
export function backfillIsWell(status: JobStatus): boolean {
  return WELL.includes(status);
}

export function healthToWire({ status }: StartupFacts): HealthAnswer {
  return {
    status: backfillIsWell(status) ? "ok" : "degraded",
    backfill_status: status,
    backfill_complete: status === "complete",
  };
}

export function startupToWire(facts: StartupFacts): StartupAnswer {
  const answer = {
    status: facts.status,
    running: facts.running,
    percentage: facts.percentage,
    chunks_done: facts.chunksDone,
    chunks_total: facts.chunksTotal,
    eta_seconds: facts.etaSeconds,
  };
  return facts.error === undefined ? answer : { ...answer, error: facts.error };
}
