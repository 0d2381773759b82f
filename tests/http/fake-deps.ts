import { formatDecimal, symbolName } from "../../src/core/mod.ts";
import { createHttpApp, type HttpDeps } from "../../src/http/mod.ts";
import {
  type BackfillRequest,
  type JobCommand,
  type JobFacts,
  type LevelsQuery,
  type ProfileQuery,
  summaryOf,
} from "../../src/protocol/mod.ts";
import { DAY, SESSION, someLevelSet, someProfile } from "../protocol/known-sets.ts";
import { NO_SCHEDULES, NO_WEBHOOKS, SMALL_CACHE } from "./no-automation.ts";
import { NO_BARS, NO_SYMBOLS } from "./no-bars.ts";
import { NO_WINDOWS } from "./no-windows.ts";
import { SOME_UPKEEP } from "./some-upkeep.ts";

export const JOB_ID = "0190b8a4-0000-7000-8000-000000000001";
export const NOW_MS = Date.parse("2026-01-03T12:34:56.789Z");

export const JOB: JobFacts = {
  jobId: JOB_ID,
  status: "in_progress",
  version: 70,
  chunksTotal: 144,
  chunksDone: 60,
  chunksCancelled: 0,
  deadlineAtMs: null,
  priority: 0,
  maxParallel: 4,
  chunksFailed: 0,
  recordsFetched: 1_000,
  recordsInserted: 990,
  recordsUpdated: 0,
  recordsUnchanged: 0,
  startMs: Date.parse("2026-01-02T00:00:00Z"),
  endMs: Date.parse("2026-01-03T00:00:00Z"),
  createdAtMs: NOW_MS - 10_000,
  startedAtMs: NOW_MS - 9_000,
  completedAtMs: null,
  etaSeconds: 12,
  error: null,
  symbols: [],
};

/** What the fake was asked. */
export interface Asked {
  readonly submitted: BackfillRequest[];
  readonly levels: LevelsQuery[];
  readonly profiles: ProfileQuery[];
  readonly limits: number[];
  readonly commands: (readonly [id: string, command: JobCommand])[];
  readonly logged: { fields: Readonly<Record<string, unknown>>; message: string }[];
}

/** An app over fakes that know BTCUSDT; `deps` replaces any of them. */
export function fakeApp(deps: Partial<HttpDeps> = {}) {
  const asked: Asked = { submitted: [], levels: [], profiles: [], limits: [], commands: [], logged: [] };
  let ids = 0;
  const full: HttpDeps = {
    levels: {
      levelSet(query) {
        asked.levels.push(query);
        const symbol = query.symbol === undefined ? "binance:BTCUSDT" : symbolName(query.symbol);
        if (symbol !== "binance:BTCUSDT") return { kind: "unknown_symbol", symbol };
        if (query.session === "2026-01-04")
          return { kind: "no_session", name: query.session, nearest: ["2026-01-02", "2026-01-05"] };
        if (query.binSize !== undefined && formatDecimal(query.binSize) === "0.3")
          return { kind: "bad_bin", binSize: "0.5" };
        return {
          kind: "found",
          set: someLevelSet(),
          backfill: { job_id: JOB_ID, status: "in_progress", percentage: 41.6 },
        };
      },
      profile(query) {
        asked.profiles.push(query);
        return { kind: "found", profile: someProfile({ range: query.range }) };
      },
    },
    backfill: {
      async submit(request) {
        asked.submitted.push(request);
        return { kind: "accepted", jobId: JOB_ID, status: "pending" };
      },
      async job(id) {
        return id === JOB_ID ? JOB : undefined;
      },
      async recent(limit) {
        asked.limits.push(limit);
        return [summaryOf(JOB)];
      },
      startup: () => ({
        status: "in_progress",
        running: true,
        chunksDone: 60,
        chunksTotal: 144,
        percentage: 41.6,
        etaSeconds: 12,
      }),
    },
    control: {
      tell(id, command) {
        asked.commands.push([id, command]);
        return id === JOB_ID ? { kind: "told", job: JOB } : { kind: "unknown" };
      },
    },
    cache: SMALL_CACHE,
    schedules: NO_SCHEDULES,
    webhooks: NO_WEBHOOKS,
    windows: NO_WINDOWS,
    bars: NO_BARS,
    symbols: NO_SYMBOLS,
    upkeep: SOME_UPKEEP,
    waits: { job: () => ({ kind: "look" }), startup: () => ({ kind: "look" }) },
    session: () => ({
      symbol: "binance:BTCUSDT",
      session: DAY,
      sessionOpen: true,
      sessionRange: SESSION.range,
      tradingEnabled: true,
      precision: "IMPRECISE (backfill 41.6%)",
    }),
    nowMs: () => NOW_MS,
    requestId: () => `request-${++ids}`,
    log: { error: (fields, message) => asked.logged.push({ fields, message }) },
    defaultVenue: "binance",
    version: "0.1.0",
    ...deps,
  };
  const app = createHttpApp(full);
  const post = (body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) =>
    app.request("/api/v1/backfill", {
      method: "POST",
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { app, asked, post, deps: full };
}
