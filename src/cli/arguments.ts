import { parseArgs } from "node:util";
import { VALUE_AREA_METHODS } from "../core/mod.ts";
import { DEADLINE_SECONDS_MAX, PRIORITY_MAX } from "../protocol/mod.ts";
import { UsageError } from "./context.ts";

export const BACKFILL_USAGE = `bun run backfill SYMBOL… --from D --to D [--venue V] [--timeframes 1m,1h] [--order recent|oldest|certify] [--value-area M] [--json] [--detach] [--force] [--priority N] [--deadline SECONDS]
bun run backfill status [JOB] [--json]     a job, or the start-up backfill
bun run backfill list [--json]             the newest jobs
bun run backfill watch [JOB] [--timeout SECONDS] [--json]   follows a job, or the newest
bun run backfill pause|resume|cancel JOB [--json]
bun run backfill retry JOB [SYMBOL…] [--json]   fetches what failed or was called off, of all symbols or of some
bun run backfill priority JOB [N] [--max-parallel N] [--json]   higher goes first

With --timeframes (1m to 1w) the venue's candles are fetched into the database, without it trades into the tape.
D is a date (2026-01-02; inclusive) or a time (2026-01-02T03:04:05Z; exclusive as an end), UTC.
Exit: 0 complete, 1 failed (also when some symbols failed, and when watch ran out of time), 2 usage, 130 interrupted (the job stays resumable).`;

/** Longest time to follow a job, seconds: a week. */
const TIMEOUT_SECONDS_MAX = 604_800;

export type BackfillArguments =
  | { readonly kind: "help" }
  | {
      readonly kind: "run";
      readonly symbols: readonly string[];
      readonly from: string;
      readonly to: string;
      readonly order: string | undefined;
      readonly timeframes: readonly string[] | undefined;
      readonly force: boolean;
      readonly priority: number | undefined;
      readonly deadlineSeconds: number | undefined;
      readonly detach: boolean;
      readonly valueArea: string | undefined;
      readonly json: boolean;
    }
  | { readonly kind: "status"; readonly jobId: string | undefined; readonly json: boolean }
  | { readonly kind: "list"; readonly json: boolean }
  | {
      readonly kind: "watch";
      readonly jobId: string | undefined;
      /** Longest time to follow it; undefined: to its end. */
      readonly timeoutSeconds: number | undefined;
      readonly valueArea: string | undefined;
      readonly json: boolean;
    };

export const COMMON = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
export const VALUE_AREA = { "value-area": { type: "string" } } as const;

/** Reads the words after `bun run backfill`. Throws {@link UsageError}. */
export function parseBackfillArguments(argv: readonly string[]): BackfillArguments {
  const [first = "", ...rest] = argv;
  switch (first) {
    case "status":
    case "watch":
      return parseOfJob(first, rest);
    case "list": {
      const { values, positionals } = parseWords(rest, COMMON);
      if (values.help === true) return { kind: "help" };
      takeAtMost(positionals, 0, "list takes no job");
      return { kind: "list", json: values.json === true };
    }
    default:
      return parseRun(first === "run" ? rest : argv);
  }
}

function parseOfJob(kind: "status" | "watch", argv: readonly string[]): BackfillArguments {
  const { values, positionals } = parseWords(argv, { ...COMMON, ...VALUE_AREA, timeout: { type: "string" } });
  if (values.help === true) return { kind: "help" };
  takeAtMost(positionals, 1, `${kind} takes one job`);
  const json = values.json === true;
  const jobId = positionals[0];
  const valueArea = valueAreaOf(values["value-area"]);
  const timeoutSeconds = timeoutOf(values.timeout);
  if (kind === "watch") return { kind, jobId, timeoutSeconds, valueArea, json };
  if (valueArea !== undefined) throw new UsageError("status takes no --value-area");
  if (timeoutSeconds !== undefined) throw new UsageError("status takes no --timeout");
  return { kind, jobId, json };
}

function parseRun(argv: readonly string[]): BackfillArguments {
  const { values, positionals } = parseWords(argv, {
    ...COMMON,
    ...VALUE_AREA,
    from: { type: "string" },
    to: { type: "string" },
    venue: { type: "string" },
    order: { type: "string" },
    timeframes: { type: "string" },
    priority: { type: "string" },
    deadline: { type: "string" },
    detach: { type: "boolean" },
    force: { type: "boolean" },
  });
  if (values.help === true) return { kind: "help" };
  if (positionals.length === 0) throw new UsageError("expected at least one symbol, got none");
  const { from, to, venue } = values;
  if (from === undefined || to === undefined)
    throw new UsageError(`expected --from and --to, got ${from === undefined ? "no --from" : "no --to"}`);
  return {
    kind: "run",
    symbols: positionals.map((symbol) => ofVenue(symbol, venue)),
    from,
    to,
    order: values.order,
    timeframes: values.timeframes?.split(","),
    force: values.force === true,
    priority: optionalNumber("--priority", values.priority, -PRIORITY_MAX, PRIORITY_MAX),
    deadlineSeconds: optionalNumber("--deadline", values.deadline, 1, DEADLINE_SECONDS_MAX),
    detach: values.detach === true,
    valueArea: valueAreaOf(values["value-area"]),
    json: values.json === true,
  };
}

/** A symbol with the venue that `--venue` names, where it names one. */
export function ofVenue(symbol: string, venue: string | undefined): string {
  if (venue === undefined) return symbol;
  if (!symbol.includes(":")) return `${venue}:${symbol}`;
  if (symbol.startsWith(`${venue}:`)) return symbol;
  throw new UsageError(`--venue ${venue} and the symbol ${symbol} name two venues`);
}

/** The word after `--value-area`. Throws {@link UsageError}. */
export function valueAreaOf(word: string | undefined): string | undefined {
  if (word === undefined || VALUE_AREA_METHODS.some((method) => method === word)) return word;
  throw new UsageError(`--value-area: expected one of ${VALUE_AREA_METHODS.join(", ")}, got "${word}"`);
}

function timeoutOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const seconds = /^\d{1,7}$/.test(word) ? Number(word) : 0;
  if (seconds >= 1 && seconds <= TIMEOUT_SECONDS_MAX) return seconds;
  throw new UsageError(
    `--timeout: expected a whole number of seconds from 1 to ${TIMEOUT_SECONDS_MAX}, got "${word}"`,
  );
}

/** Throws {@link UsageError} with `message` for the first word too many. */
export function takeAtMost(positionals: readonly string[], count: number, message: string): void {
  const extra = positionals[count];
  if (extra !== undefined) throw new UsageError(`${message}, got "${extra}" too`);
}

function optionalNumber(what: string, word: string | undefined, min: number, max: number) {
  return word === undefined ? undefined : wholeNumber(what, word, min, max);
}

/** A whole number in words. Throws {@link UsageError}, naming `what`. */
export function wholeNumber(what: string, word: string, min: number, max: number): number {
  const value = /^-?\d{1,7}$/.test(word) ? Number(word) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${what}: expected a whole number from ${min} to ${max}, got "${word}"`);
}

/** `--priority -5` as `--priority=-5`: a word that begins with a dash is taken for an option otherwise. */
function joinNegatives(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (const word of argv) {
    const option = words.at(-1);
    if (/^-\d+$/.test(word) && option !== undefined && /^--[a-z-]+$/.test(option))
      words[words.length - 1] = `${option}=${word}`;
    else words.push(word);
  }
  return words;
}

type OptionTable = Readonly<Record<string, { readonly type: "string" | "boolean"; readonly short?: string }>>;

/** Reads words by a table of options. Throws {@link UsageError}. */
export function parseWords<const Table extends OptionTable>(argv: readonly string[], options: Table) {
  try {
    return parseArgs({ args: joinNegatives(argv), options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}
