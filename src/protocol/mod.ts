/** Everything that crosses a wire: schemas, channel names, codes. Runs wherever JavaScript runs. */
export * from "./backfill-request.ts";
export * from "./changed-fields.ts";
export * from "./channels.ts";
export * from "./close-codes.ts";
export * from "./health.ts";
export * from "./job.ts";
export * from "./job-status.ts";
export * from "./level-set.ts";
export * from "./number.ts";
export * from "./problem.ts";
export * from "./profile.ts";
export * from "./push-errors.ts";
export * from "./push-frames.ts";
export * from "./push-replies.ts";
export * from "./queries.ts";
export * from "./request-range.ts";
