import { Format, type Options, type Params, SingleBar } from "cli-progress";
import type { BackfillAccepted, JobAnswer, WireLevelSet } from "../protocol/mod.ts";
import type { CommandContext } from "./context.ts";
import { RateMeter } from "./rate-meter.ts";
import type { Reporter } from "./reporter.ts";
import { duration, grouped, jobCounts, partialLevels, resultText } from "./text.ts";

/** Drawings in a second. */
const FRAMES_PER_SECOND = 5;
const BAR_CHARS = 24;

/** For a terminal: one line that is drawn again and again, then the results. */
export function progressBarReporter({ stdout, nowMs }: Pick<CommandContext, "stdout" | "nowMs">): Reporter {
  const rate = new RateMeter();
  let job: JobAnswer | undefined;
  let set: WireLevelSet | undefined;

  const line = (options: Options, params: Params): string => {
    if (job === undefined) return "";
    const bar = Format.BarFormat(params.progress, options);
    const parts = [
      `${bar} ${job.progress_pct.toFixed(1)} % ${job.status}`,
      jobCounts(job),
      `${grouped(rate.perSecond)}/s`,
      `ETA ${duration(job.eta_seconds)}`,
    ];
    if (set !== undefined) parts.push(partialLevels(set));
    return parts.join(" | ");
  };
  // Signals belong to the command; the bar must not end the process on its own.
  const bar = new SingleBar({
    format: line,
    stream: stdout,
    fps: FRAMES_PER_SECOND,
    barsize: BAR_CHARS,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    emptyOnZero: true,
    forceRedraw: true,
    gracefulExit: false,
  });
  const stop = () => {
    if (bar.isActive) bar.stop();
  };

  return {
    accepted(accepted: BackfillAccepted) {
      stdout.write(
        `job ${accepted.job_id}: ${accepted.symbols.join(" ")}, ${accepted.date_range.start} – ${accepted.date_range.end}\n`,
      );
    },
    job(now) {
      job = now;
      rate.add(nowMs(), now.total_records_inserted);
      const ended = now.chunks_done + now.chunks_failed;
      if (!bar.isActive) bar.start(now.chunks_total, ended);
      bar.setTotal(now.chunks_total);
      bar.update(ended);
    },
    transition() {
      // The status stands in the line already.
    },
    levels(now) {
      set = now;
    },
    results(results) {
      stop();
      for (const result of results) stdout.write(`${resultText(result)}\n`);
    },
    ended(last) {
      stop();
      stdout.write(
        `job ${last.job_id} ${last.status}: ${jobCounts(last)}${last.error === null ? "" : `; ${last.error}`}\n`,
      );
    },
    failed() {
      stop();
    },
    close: stop,
  };
}
