/** Everything that crosses a wire: schemas, channel names, codes. Runs wherever JavaScript runs. */
export * from "./backfill-request.ts";
export * from "./bar-query.ts";
export * from "./bars.ts";
export * from "./cache.ts";
export * from "./changed-fields.ts";
export * from "./channels.ts";
export * from "./close-codes.ts";
export * from "./gaps.ts";
export * from "./grant.ts";
export * from "./granted-channel.ts";
export * from "./health.ts";
export * from "./job.ts";
export * from "./job-control.ts";
export * from "./job-status.ts";
export * from "./level-set.ts";
export * from "./number.ts";
export {
  EndText,
  NoParameters,
  SessionText,
  StartText,
  SymbolText,
} from "./parameters.ts";
export * from "./problem.ts";
export * from "./profile.ts";
export * from "./profile-state.ts";
export * from "./push-errors.ts";
export * from "./push-frames.ts";
export * from "./push-replies.ts";
export * from "./push-requests.ts";
export * from "./queries.ts";
export * from "./request-id.ts";
export * from "./request-range.ts";
export * from "./rpc.ts";
export * from "./schedule.ts";
export * from "./session-report.ts";
export * from "./strict-json.ts";
export * from "./symbols.ts";
export * from "./upkeep-queries.ts";
export * from "./wait-query.ts";
export * from "./webhook.ts";
export * from "./window-answers.ts";
export * from "./window-levels.ts";
export * from "./window-queries.ts";
