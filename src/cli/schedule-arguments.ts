import { parseArgs } from "node:util";
import { UsageError } from "./context.ts";

export const SCHEDULE_USAGE = `bun run schedule list [--json]
bun run schedule add NAME SYMBOL… --cron "30 2 * * *" [--zone Europe/Berlin] --days-back N | --minutes-back N
                     [--venue V] [--timeframes 1m,1h] [--order recent|oldest|certify] [--priority P] [--disabled] [--json]
bun run schedule remove|enable|disable NAME-OR-ID [--json]

A run fetches the N whole UTC days before the day on which it is due, or the N minutes before. The zone is UTC unless named.
Exit: 0 done, 1 failed, 2 usage.`;

export type ScheduleArguments =
  | { readonly kind: "help" }
  | { readonly kind: "list"; readonly json: boolean }
  | { readonly kind: "add"; readonly body: Readonly<Record<string, unknown>>; readonly json: boolean }
  | { readonly kind: "remove" | "enable" | "disable"; readonly which: string; readonly json: boolean };

const COMMON = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
const ADD = {
  ...COMMON,
  cron: { type: "string" },
  zone: { type: "string" },
  "days-back": { type: "string" },
  "minutes-back": { type: "string" },
  venue: { type: "string" },
  timeframes: { type: "string" },
  order: { type: "string" },
  priority: { type: "string" },
  disabled: { type: "boolean" },
} as const;

/** Reads the words after `bun run schedule`. Throws {@link UsageError}. */
export function parseScheduleArguments(argv: readonly string[]): ScheduleArguments {
  const [verb = "", ...rest] = argv;
  switch (verb) {
    case "list": {
      const { values, positionals } = parse(() =>
        parseArgs({ args: rest, options: COMMON, allowPositionals: true }),
      );
      if (values.help === true) return { kind: "help" };
      if (positionals.length > 0) throw new UsageError(`list takes no names, got "${positionals[0]}"`);
      return { kind: "list", json: values.json === true };
    }
    case "add":
      return parseAdd(rest);
    case "remove":
    case "enable":
    case "disable": {
      const { values, positionals } = parse(() =>
        parseArgs({ args: rest, options: COMMON, allowPositionals: true }),
      );
      if (values.help === true) return { kind: "help" };
      const which = positionals[0];
      if (which === undefined || positionals.length > 1)
        throw new UsageError(`${verb}: expected one name or id, got ${positionals.length}`);
      return { kind: verb, which, json: values.json === true };
    }
    case "help":
    case "--help":
    case "-h":
      return { kind: "help" };
    default:
      throw new UsageError(`expected list, add, remove, enable or disable, got "${verb}"`);
  }
}

function parseAdd(argv: readonly string[]): ScheduleArguments {
  const { values, positionals } = parse(() =>
    parseArgs({ args: [...argv], options: ADD, allowPositionals: true }),
  );
  if (values.help === true) return { kind: "help" };
  const [name, ...symbols] = positionals;
  if (name === undefined || symbols.length === 0)
    throw new UsageError(`expected a name and at least one symbol, got ${positionals.length} of them`);
  if (values.cron === undefined) throw new UsageError('expected --cron "30 2 * * *", got none');
  const { venue, timeframes, order, priority } = values;
  return {
    kind: "add",
    json: values.json === true,
    body: {
      name,
      cron: values.cron,
      ...(values.zone === undefined ? {} : { zone: values.zone }),
      enabled: values.disabled !== true,
      request: {
        symbols: symbols.map((symbol) =>
          venue === undefined || symbol.includes(":") ? symbol : `${venue}:${symbol}`,
        ),
        range: rangeOf(values["days-back"], values["minutes-back"]),
        ...(timeframes === undefined ? {} : { timeframes: timeframes.split(",") }),
        ...(order === undefined ? {} : { order }),
        ...(priority === undefined ? {} : { priority: wholeOf("--priority", priority) }),
      },
    },
  };
}

function rangeOf(days: string | undefined, minutes: string | undefined): Readonly<Record<string, number>> {
  if ((days === undefined) === (minutes === undefined))
    throw new UsageError(
      `expected either --days-back N or --minutes-back N, got ${days === undefined ? "none" : "both"}`,
    );
  if (days !== undefined) return { days_back: wholeOf("--days-back", days) };
  return { minutes_back: wholeOf("--minutes-back", minutes ?? "") };
}

function wholeOf(option: string, text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option}: expected a whole number, got "${text}"`);
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}
