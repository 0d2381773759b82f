import type { RouteContract } from "../contract/mod.ts";
import { HealthAnswer, ReadyAnswer, StartupAnswer, StartupWaitParameters } from "../protocol/mod.ts";
import { ASKING } from "./contract-parts.ts";

export const HEALTH: RouteContract = {
  operation: "getHealth",
  tag: "state",
  description: "Always 200 while the server serves.",
  answer: { status: 200, about: "How the server is.", schema: HealthAnswer },
  examples: {
    running: {
      about: "The start-up backfill runs.",
      answer: { status: "degraded", backfill_status: "in_progress", backfill_complete: false },
    },
  },
};

export const READY: RouteContract = {
  operation: "getReady",
  tag: "state",
  description:
    "About the first of SYMBOLS. `trading_enabled` is true once every level of the previous session is exact and the running one has trades. Between two sessions `session` is the last one that began.",
  answer: { status: 200, about: "Session, progress and precision.", schema: ReadyAnswer },
  examples: {
    running: {
      about: "The start-up backfill runs.",
      answer: {
        symbol: "binance:DEMOUSDT",
        session: "2026-11-21",
        session_open: true,
        session_from: "2026-11-21T00:00:00.000Z",
        session_to: "2026-11-22T00:00:00.000Z",
        trading_enabled: false,
        backfill: {
          status: "in_progress",
          chunks_done: 12,
          chunks_total: 282,
          percentage: 4.2,
          eta_seconds: 39,
        },
        metrics_precision: "IMPRECISE (backfill 8.1%)",
        timestamp: "2026-11-21T22:52:18.435Z",
      },
    },
  },
};

export const STARTUP: RouteContract = {
  operation: "getStartupBackfill",
  tag: "state",
  query: StartupWaitParameters,
  answer: {
    status: 200,
    about: "The start-up backfill: today and the days before it, of all followed symbols.",
    schema: StartupAnswer,
  },
  problems: ASKING,
  examples: {
    at_once: {
      about: "As it is now.",
      answer: {
        status: "in_progress",
        running: true,
        percentage: 4.6,
        chunks_done: 13,
        chunks_total: 282,
        eta_seconds: 37,
      },
    },
    waiting: { about: "As it is once it has ended, or after a second.", query: { wait: "1" } },
  },
};
