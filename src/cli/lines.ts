import { formatTime } from "../core/mod.ts";
import type { WireLevelSet } from "../protocol/mod.ts";
import type { CommandContext } from "./context.ts";
import { RateMeter } from "./rate-meter.ts";
import type { Reporter } from "./reporter.ts";
import { duration, grouped, jobCounts, partialLevels, resultText } from "./text.ts";
import { Throttle } from "./throttle.ts";

/** Shortest time between two lines of progress, ms. */
export const LINE_INTERVAL_MS = 1_000;

/** For a pipe or a log: whole lines, at most one a second, and every transition. */
export function lineReporter({ stdout, nowMs }: Pick<CommandContext, "stdout" | "nowMs">): Reporter {
  const rate = new RateMeter();
  const throttle = new Throttle(LINE_INTERVAL_MS);
  let set: WireLevelSet | undefined;
  const say = (text: string) => stdout.write(`${formatTime(nowMs())} ${text}\n`);

  return {
    accepted({ job_id, symbols, date_range }) {
      say(`job ${job_id}: ${symbols.join(" ")}, ${date_range.start} – ${date_range.end}`);
    },
    job(job) {
      rate.add(nowMs(), job.total_records_inserted);
      if (!throttle.passes(nowMs())) return;
      const progress = `${job.status} ${job.progress_pct.toFixed(1)} %, ${jobCounts(job)}, ${grouped(rate.perSecond)}/s, ETA ${duration(job.eta_seconds)}`;
      say(set === undefined ? progress : `${progress} | ${partialLevels(set)}`);
    },
    transition({ symbol, from, to, error }) {
      const of = symbol === undefined || symbol === null ? "job" : symbol;
      say(`${of} ${from} → ${to}${error === undefined || error === null ? "" : `: ${error}`}`);
    },
    levels(now) {
      set = now;
    },
    results(results) {
      for (const result of results) stdout.write(`${resultText(result)}\n`);
    },
    ended(job) {
      say(`job ${job.job_id} ${job.status}: ${jobCounts(job)}${job.error === null ? "" : `; ${job.error}`}`);
    },
    failed() {
      // The message goes to stderr.
    },
    close() {
      // Every line is whole as it is written.
    },
  };
}
