import { dayOfMinute, formatDay, MS_PER_MINUTE, minuteOfMs } from "../core/mod.ts";
import { type JobAnswer, jobHasEnded, recordsOf } from "../protocol/mod.ts";
import { Api } from "./api.ts";
import { BACKFILL_USAGE, type BackfillArguments, parseBackfillArguments } from "./arguments.ts";
import { isBadRequest, messageOf, runCommand, withServer } from "./command.ts";
import {
  type CommandContext,
  EXIT_COMPLETE,
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_USAGE,
  type ServerAccess,
} from "./context.ts";
import { parseControlArguments } from "./control-arguments.ts";
import { controlJob } from "./control-command.ts";
import { jsonReporter, writeJsonLine } from "./json-lines.ts";
import { lineReporter } from "./lines.ts";
import { progressBarReporter } from "./progress-bar.ts";
import type { Reporter } from "./reporter.ts";
import { fetchResults } from "./results.ts";
import { jobCounts, jobLine, jobText } from "./text.ts";
import { watchJob } from "./watch.ts";

/** Level sets that are followed beside a job; the server keeps a day in memory for each. */
const LEVEL_CHANNELS_MAX = 8;
/** Jobs of a list, and among which the newest running one is looked for. */
const LIST_LIMIT = 20;

/** `bun run backfill …`. Answers the exit code. */
export function backfillCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(context, BACKFILL_USAGE, async () => {
    const parsed = parseControlArguments(argv) ?? parseBackfillArguments(argv);
    switch (parsed.kind) {
      case "help":
        context.stdout.write(`${BACKFILL_USAGE}\n`);
        return EXIT_COMPLETE;
      case "status":
        return withServer(context, (server) => showStatus(parsed, context, server));
      case "list":
        return withServer(context, (server) => showList(parsed.json, context, server));
      case "watch":
        return withServer(context, (server) => watch(parsed, context, server));
      case "control":
        return withServer(context, (server) => controlJob(parsed, context, server));
      case "run":
        return withServer(context, (server) => run(parsed, context, server));
    }
  });
}

type Run = Extract<BackfillArguments, { kind: "run" }>;

async function run(parsed: Run, context: CommandContext, server: ServerAccess): Promise<number> {
  const api = new Api(server, context.signal);
  const reporter = reporterFor(parsed.json, context);
  try {
    const accepted = await api.submit({
      symbols: parsed.symbols,
      start_date: parsed.from,
      end_date: parsed.to,
      force: parsed.force,
      ...(parsed.order === undefined ? {} : { order: parsed.order }),
      ...(parsed.priority === undefined ? {} : { priority: parsed.priority }),
      ...(parsed.deadlineSeconds === undefined ? {} : { deadline_seconds: parsed.deadlineSeconds }),
      ...(parsed.timeframes === undefined ? {} : { timeframes: parsed.timeframes }),
    });
    reporter.accepted(accepted);
    if (parsed.detach) {
      if (server.started)
        context.stderr.write("No server is running, so the job waits for one: bun run start\n");
      return EXIT_COMPLETE;
    }
    return await follow(accepted.job_id, {
      parsed,
      context,
      server,
      api,
      reporter,
      oldestFirst: parsed.order === "oldest",
    });
  } catch (thrown) {
    if (context.signal.aborted) return EXIT_INTERRUPTED;
    reporter.failed(messageOf(thrown));
    if (!isBadRequest(thrown)) throw thrown;
    context.stderr.write(`${messageOf(thrown)}\n`);
    return EXIT_USAGE;
  } finally {
    reporter.close();
  }
}

async function watch(
  parsed: Extract<BackfillArguments, { kind: "watch" }>,
  context: CommandContext,
  server: ServerAccess,
): Promise<number> {
  const { timeoutSeconds } = parsed;
  const limit = timeoutSeconds === undefined ? undefined : AbortSignal.timeout(timeoutSeconds * 1_000);
  const signal = limit === undefined ? context.signal : AbortSignal.any([context.signal, limit]);
  const api = new Api(server, signal);
  const reporter = reporterFor(parsed.json, context);
  let last: JobAnswer | undefined;
  const noting: Reporter = {
    ...reporter,
    job(job) {
      last = job;
      reporter.job(job);
    },
  };
  try {
    const jobId = parsed.jobId ?? (await newestJob(api));
    if (jobId === undefined) {
      context.stderr.write("There is no job to watch; bun run backfill SYMBOL… --from D --to D makes one.\n");
      return EXIT_FAILED;
    }
    const following = { parsed, context, server, api, reporter: noting, oldestFirst: false };
    return await follow(jobId, following, signal);
  } catch (thrown) {
    const outOfTime = limit?.aborted === true && !context.signal.aborted;
    const failure = outOfTime
      ? new Error(outOfTimeText(timeoutSeconds, last, server), { cause: thrown })
      : thrown;
    if (!context.signal.aborted) reporter.failed(messageOf(failure));
    throw failure;
  } finally {
    reporter.close();
  }
}

interface Following {
  readonly parsed: { readonly valueArea: string | undefined };
  readonly context: CommandContext;
  readonly server: ServerAccess;
  readonly api: Api;
  readonly reporter: Reporter;
  readonly oldestFirst: boolean;
}

async function follow(
  jobId: string,
  following: Following,
  signal = following.context.signal,
): Promise<number> {
  const { parsed, context, server, api, reporter, oldestFirst } = following;
  try {
    const levelChannels = levelChannelsOf(await api.job(jobId), oldestFirst);
    const { nowMs } = context;
    const job = await watchJob({ api, jobId, levelChannels, reporter, nowMs, signal });
    const exitCode = exitCodeOf(job);
    reporter.results(await fetchResults(api, job, parsed.valueArea));
    reporter.ended(job, exitCode);
    return exitCode;
  } catch (thrown) {
    if (!context.signal.aborted) throw thrown;
    reporter.close();
    const whatNext = server.started
      ? `Job ${jobId} stopped with this command and is resumable: bun run backfill watch ${jobId} (or bun run start) goes on with what is missing.`
      : `Job ${jobId} goes on in the server at ${server.url}: bun run backfill watch ${jobId} follows it again.`;
    context.stderr.write(`Interrupted. ${whatNext}\n`);
    return EXIT_INTERRUPTED;
  }
}

function outOfTimeText(
  timeoutSeconds: number | undefined,
  job: JobAnswer | undefined,
  { url, started }: ServerAccess,
): string {
  const waited = `Waited ${timeoutSeconds} s`;
  if (job === undefined) return `${waited}, and the server at ${url} has not said where the job stands.`;
  const whatNext = started
    ? "it stops with this command and is resumable"
    : `it goes on in the server at ${url}`;
  return `${waited}: job ${job.job_id} is ${job.status} at ${job.progress_pct.toFixed(1)} %, ${jobCounts(job)}; ${whatNext}.`;
}

async function showStatus(
  { jobId, json }: Extract<BackfillArguments, { kind: "status" }>,
  context: CommandContext,
  server: ServerAccess,
): Promise<number> {
  const api = new Api(server, context.signal);
  if (jobId !== undefined) {
    const job = await api.job(jobId);
    if (json) writeJsonLine(context.stdout, { type: "job", ...job });
    else context.stdout.write(`${jobText(job)}\n`);
    return EXIT_COMPLETE;
  }
  const startup = await api.startup();
  if (json) writeJsonLine(context.stdout, { type: "startup", ...startup });
  else {
    const error = startup.error === undefined ? "" : `: ${startup.error}`;
    context.stdout.write(
      `start-up backfill ${startup.status}, ${startup.percentage.toFixed(1)} %, ${startup.chunks_done}/${startup.chunks_total} chunks${error}\n`,
    );
  }
  return EXIT_COMPLETE;
}

async function showList(json: boolean, context: CommandContext, server: ServerAccess): Promise<number> {
  const { jobs } = await new Api(server, context.signal).recent(LIST_LIMIT);
  for (const job of jobs) {
    if (json) writeJsonLine(context.stdout, { type: "summary", ...job });
    else context.stdout.write(`${jobLine(job)}\n`);
  }
  if (jobs.length === 0 && !json) context.stdout.write("There are no jobs yet.\n");
  return EXIT_COMPLETE;
}

/** The newest job that still runs, else the newest. */
async function newestJob(api: Api): Promise<string | undefined> {
  const { jobs } = await api.recent(LIST_LIMIT);
  return (jobs.find((job) => !jobHasEnded(job.status)) ?? jobs[0])?.job_id;
}

/** The sessions whose levels move first, in the order of download. */
function levelChannelsOf(job: JobAnswer, oldestFirst: boolean): string[] {
  if (recordsOf(job) === "candles") return [];
  const first = dayOfMinute(minuteOfMs(Date.parse(job.date_range.start)));
  const last = dayOfMinute(minuteOfMs(Date.parse(job.date_range.end) - MS_PER_MINUTE));
  const channels: string[] = [];
  for (let step = 0; step <= last - first; step++) {
    const session = formatDay(oldestFirst ? first + step : last - step);
    for (const { symbol: name } of job.details) {
      if (channels.length === LEVEL_CHANNELS_MAX) return channels;
      channels.push(`levels:${name}@${session}`);
    }
  }
  return channels;
}

/** A job that is complete but for some symbols has failed for whoever waits for all of them. */
function exitCodeOf(job: JobAnswer): number {
  const failed = job.details.some(({ status }) => status === "error");
  return job.status === "complete" && !failed ? EXIT_COMPLETE : EXIT_FAILED;
}

function reporterFor(json: boolean, context: CommandContext): Reporter {
  if (json) return jsonReporter(context);
  return context.stdout.isTTY === true ? progressBarReporter(context) : lineReporter(context);
}
