import * as v from "valibot";
import {
  BackfillAccepted,
  CacheAnswer,
  CacheChecked,
  CacheCleaned,
  JobAnswer,
  JobSummary,
  JobTransition,
  ScheduleAnswer,
  StartupAnswer,
  WireComparison,
  WireLevelSet,
  WireNakedPocs,
  WireProfileSummary,
} from "../protocol/mod.ts";
import type { CommandContext } from "./context.ts";
import { LINE_INTERVAL_MS } from "./lines.ts";
import type { Reporter } from "./reporter.ts";
import { Throttle } from "./throttle.ts";

/** One line of `--json`. `job` and `levels` come at most once a second (levels: for each symbol and session), all else as it happens. */
export const JsonLine = v.variant("type", [
  v.object({ type: v.literal("accepted"), ...BackfillAccepted.entries }),
  v.object({ type: v.literal("job"), ...JobAnswer.entries }),
  /** A job of `list`. */
  v.object({ type: v.literal("summary"), ...JobSummary.entries }),
  v.object({ type: v.literal("transition"), ...JobTransition.entries }),
  v.object({ type: v.literal("levels"), ...WireLevelSet.entries }),
  v.object({ type: v.literal("window"), ...WireProfileSummary.entries }),
  v.object({ type: v.literal("naked_pocs"), ...WireNakedPocs.entries }),
  v.object({ type: v.literal("comparison"), ...WireComparison.entries }),
  v.object({ type: v.literal("startup"), ...StartupAnswer.entries }),
  v.object({ type: v.literal("schedule"), ...ScheduleAnswer.entries }),
  v.object({ type: v.literal("cache"), ...CacheAnswer.entries }),
  /** Of all parts of the check together. */
  v.object({ type: v.literal("cache_verified"), ...v.omit(CacheChecked, ["next"]).entries }),
  v.object({ type: v.literal("cache_cleaned"), ...CacheCleaned.entries }),
  /** One for each symbol at the end of a run; `reason` where there are no levels. */
  v.object({ type: v.literal("result"), ...WireProfileSummary.entries }),
  v.object({ type: v.literal("result"), symbol: v.string(), reason: v.string() }),
  v.object({
    type: v.literal("end"),
    job_id: v.string(),
    status: v.string(),
    exit_code: v.number(),
    job: JobAnswer,
  }),
  v.object({ type: v.literal("error"), message: v.string() }),
]);
export type JsonLine = v.InferOutput<typeof JsonLine>;

/** Writes one line of `--json`. */
export function writeJsonLine(stdout: CommandContext["stdout"], line: JsonLine): void {
  stdout.write(`${JSON.stringify(line)}\n`);
}

/** For programs: one JSON object a line. */
export function jsonReporter({ stdout, nowMs }: Pick<CommandContext, "stdout" | "nowMs">): Reporter {
  const throttle = new Throttle(LINE_INTERVAL_MS);
  return {
    accepted: (job) => writeJsonLine(stdout, { type: "accepted", ...job }),
    job(job) {
      if (throttle.passes(nowMs(), "job")) writeJsonLine(stdout, { type: "job", ...job });
    },
    transition: (transition) => writeJsonLine(stdout, { type: "transition", ...transition }),
    levels(set) {
      if (throttle.passes(nowMs(), `${set.symbol}@${set.session}`))
        writeJsonLine(stdout, { type: "levels", ...set });
    },
    results(results) {
      for (const result of results)
        writeJsonLine(
          stdout,
          result.kind === "levels"
            ? { type: "result", ...result.profile }
            : { type: "result", symbol: result.symbol, reason: result.reason },
        );
    },
    ended: (job, exitCode) =>
      writeJsonLine(stdout, {
        type: "end",
        job_id: job.job_id,
        status: job.status,
        exit_code: exitCode,
        job,
      }),
    failed: (message) => writeJsonLine(stdout, { type: "error", message }),
    close() {
      // Every line is whole as it is written.
    },
  };
}
