import { parseArgs } from "node:util";
import { parseDay, VALUE_AREA_METHODS } from "../core/mod.ts";
import { UsageError } from "./context.ts";

export const BACKFILL_USAGE = `bun run backfill SYMBOL… --from D --to D [--venue V] [--order recent|oldest] [--value-area M] [--json] [--detach] [--force]
bun run backfill status [JOB] [--json]     a job, or the start-up backfill
bun run backfill list [--json]             the newest jobs
bun run backfill watch [JOB] [--json]      follows a job, or the newest

D is a date (2026-01-02; inclusive) or a time (2026-01-02T03:04:05Z; exclusive as an end), UTC.
Exit: 0 complete, 1 failed (also when some symbols failed), 2 usage, 130 interrupted (the job stays resumable).`;

export const LEVELS_USAGE = "bun run levels SYMBOL [--session YYYY-MM-DD] [--value-area M] [--json]";

/** Words of later versions, so that nobody takes them for symbols. */
const LATER_SUBCOMMANDS = ["pause", "resume", "cancel", "retry"];

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
      readonly detach: boolean;
      readonly valueArea: string | undefined;
      readonly json: boolean;
    }
  | { readonly kind: "status"; readonly jobId: string | undefined; readonly json: boolean }
  | { readonly kind: "list"; readonly json: boolean }
  | {
      readonly kind: "watch";
      readonly jobId: string | undefined;
      readonly valueArea: string | undefined;
      readonly json: boolean;
    };

export type LevelsArguments =
  | { readonly kind: "help" }
  | {
      readonly kind: "levels";
      readonly symbol: string;
      readonly session: string | undefined;
      readonly valueArea: string | undefined;
      readonly json: boolean;
    };

const COMMON = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
const VALUE_AREA = { "value-area": { type: "string" } } as const;

/** Reads the words after `bun run backfill`. Throws {@link UsageError}. */
export function parseBackfillArguments(argv: readonly string[]): BackfillArguments {
  const [first = "", ...rest] = argv;
  if (LATER_SUBCOMMANDS.includes(first))
    throw new UsageError(`"${first}" is not offered yet; there is run, status, list and watch`);
  switch (first) {
    case "status":
    case "watch":
      return parseOfJob(first, rest);
    case "list": {
      const { values, positionals } = parse(rest, COMMON);
      if (values.help === true) return { kind: "help" };
      takeAtMost(positionals, 0, "list takes no job");
      return { kind: "list", json: values.json === true };
    }
    default:
      return parseRun(first === "run" ? rest : argv);
  }
}

/** Reads the words after `bun run levels`. Throws {@link UsageError}. */
export function parseLevelsArguments(argv: readonly string[]): LevelsArguments {
  const { values, positionals } = parse(argv, { ...COMMON, ...VALUE_AREA, session: { type: "string" } });
  if (values.help === true) return { kind: "help" };
  const symbol = positionals[0];
  if (symbol === undefined) throw new UsageError("expected a symbol, got none");
  takeAtMost(positionals, 1, "levels takes one symbol");
  const { session } = values;
  if (session !== undefined && parseDay(session) === undefined)
    throw new UsageError(`--session: expected a UTC day such as 2026-01-02, got "${session}"`);
  return {
    kind: "levels",
    symbol,
    session,
    valueArea: valueAreaOf(values["value-area"]),
    json: values.json === true,
  };
}

function parseOfJob(kind: "status" | "watch", argv: readonly string[]): BackfillArguments {
  const { values, positionals } = parse(argv, { ...COMMON, ...VALUE_AREA });
  if (values.help === true) return { kind: "help" };
  takeAtMost(positionals, 1, `${kind} takes one job`);
  const json = values.json === true;
  const jobId = positionals[0];
  const valueArea = valueAreaOf(values["value-area"]);
  if (kind === "watch") return { kind, jobId, valueArea, json };
  if (valueArea !== undefined) throw new UsageError("status takes no --value-area");
  return { kind, jobId, json };
}

function parseRun(argv: readonly string[]): BackfillArguments {
  const { values, positionals } = parse(argv, {
    ...COMMON,
    ...VALUE_AREA,
    from: { type: "string" },
    to: { type: "string" },
    venue: { type: "string" },
    order: { type: "string" },
    timeframes: { type: "string" },
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
    detach: values.detach === true,
    valueArea: valueAreaOf(values["value-area"]),
    json: values.json === true,
  };
}

function ofVenue(symbol: string, venue: string | undefined): string {
  if (venue === undefined) return symbol;
  if (!symbol.includes(":")) return `${venue}:${symbol}`;
  if (symbol.startsWith(`${venue}:`)) return symbol;
  throw new UsageError(`--venue ${venue} and the symbol ${symbol} name two venues`);
}

function valueAreaOf(word: string | undefined): string | undefined {
  if (word === undefined || VALUE_AREA_METHODS.some((method) => method === word)) return word;
  throw new UsageError(`--value-area: expected one of ${VALUE_AREA_METHODS.join(", ")}, got "${word}"`);
}

function takeAtMost(positionals: readonly string[], count: number, message: string): void {
  const extra = positionals[count];
  if (extra !== undefined) throw new UsageError(`${message}, got "${extra}" too`);
}

type OptionTable = Readonly<Record<string, { readonly type: "string" | "boolean"; readonly short?: string }>>;

function parse<const Table extends OptionTable>(argv: readonly string[], options: Table) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}
