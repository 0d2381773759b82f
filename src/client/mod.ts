/** Typed client for browsers, bots, scripts and tests: web standards only, on the official client of the push protocol. */
export type {
  BackfillAccepted,
  BackfillBody,
  HealthAnswer,
  JobAnswer,
  JobStatus,
  JobTransition,
  Problem,
  ReadyAnswer,
  RecentJobs,
  StartupAnswer,
  WireGapChange,
  WireLevelSet,
  WireNumber,
  WireProfile,
} from "../protocol/mod.ts";
export type { BackfillFollow } from "./backfill-follow.ts";
export * from "./backfill-wait-error.ts";
export type { Bar, Bars } from "./bars-merge.ts";
export type { EventStream, StreamUpdate } from "./event-stream.ts";
export type { CallOptions } from "./http-call.ts";
export type { BackfillChange, BackfillUpdate } from "./job-merge.ts";
export type { LevelSet } from "./levels-merge.ts";
export type { LiveState } from "./live-state.ts";
export type { ConnectionStatus } from "./push-connection.ts";
export type { ReadOnly } from "./read-only.ts";
export type { FetchApp, ServerTarget } from "./server-target.ts";
export { type BarInterval, Tapeline, type TapelineOptions } from "./tapeline.ts";
export { TapelineError, type TapelineErrorKind } from "./tapeline-error.ts";
export type { TapelineHttp } from "./tapeline-http.ts";
export type { TokenOption } from "./tokens.ts";
export type { FollowOptions, ListenOptions } from "./topic-inbox.ts";
export * from "./wait-for-backfill.ts";
export type { WebSocketClass } from "./web-socket-class.ts";
