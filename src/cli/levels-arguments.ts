import { parseDay } from "../core/mod.ts";
import { NAKED_SESSIONS_MAX } from "../protocol/mod.ts";
import { COMMON, parseWords, takeAtMost, VALUE_AREA, valueAreaOf, wholeNumber } from "./arguments.ts";
import { UsageError } from "./context.ts";

export const LEVELS_USAGE = `bun run levels SYMBOL [--session YYYY-MM-DD] [--value-area M] [--json]   the levels of a session
bun run levels SYMBOL --from D --to D [--value-area M] [--json]   every level of any minutes, up to a year
bun run levels SYMBOL --naked N [--json]   POCs of the last N sessions that no later trade has touched
bun run levels SYMBOL --compare YYYY-MM-DD YYYY-MM-DD [--value-area M] [--json]   one session beside another

D is a date (2026-01-02; inclusive) or a time (2026-01-02T03:04:05Z; exclusive as an end), UTC.`;

interface Common {
  readonly symbol: string;
  readonly valueArea: string | undefined;
  readonly json: boolean;
}

export type LevelsArguments =
  | { readonly kind: "help" }
  | ({ readonly kind: "levels"; readonly session: string | undefined } & Common)
  | ({ readonly kind: "window"; readonly from: string; readonly to: string } & Common)
  | ({ readonly kind: "naked"; readonly sessions: number } & Common)
  | ({ readonly kind: "compare"; readonly a: string; readonly b: string } & Common);

/** Reads the words after `bun run levels`. Throws {@link UsageError}. */
export function parseLevelsArguments(argv: readonly string[]): LevelsArguments {
  const { words, compared } = takeCompared(argv);
  const { values, positionals } = parseWords(words, {
    ...COMMON,
    ...VALUE_AREA,
    session: { type: "string" },
    from: { type: "string" },
    to: { type: "string" },
    naked: { type: "string" },
  });
  if (values.help === true) return { kind: "help" };
  const symbol = positionals[0];
  if (symbol === undefined) throw new UsageError("expected a symbol, got none");
  takeAtMost(positionals, 1, "levels takes one symbol");
  const { session, from, to, naked } = values;
  const common = { symbol, valueArea: valueAreaOf(values["value-area"]), json: values.json === true };
  takeOne({
    "--session": session,
    "--from and --to": from ?? to,
    "--naked": naked,
    "--compare": compared?.join(" "),
  });
  if (compared !== undefined) {
    const [a, b] = compared.map((word) => dateOf("--compare", word));
    if (a === undefined || b === undefined)
      throw new UsageError(`--compare: expected the dates of two sessions, got ${compared.length}`);
    return { kind: "compare", a, b, ...common };
  }
  if (naked !== undefined)
    return { kind: "naked", sessions: wholeNumber("--naked", naked, 1, NAKED_SESSIONS_MAX), ...common };
  if (from !== undefined && to !== undefined) return { kind: "window", from, to, ...common };
  if (from !== undefined || to !== undefined)
    throw new UsageError(`expected --from and --to, got ${from === undefined ? "no --from" : "no --to"}`);
  return {
    kind: "levels",
    session: session === undefined ? undefined : dateOf("--session", session),
    ...common,
  };
}

/** `--compare` takes two words, which no table of options can say. */
function takeCompared(argv: readonly string[]) {
  const at = argv.indexOf("--compare");
  if (at < 0) return { words: argv, compared: undefined };
  const compared = argv.slice(at + 1, at + 3).filter((word) => !word.startsWith("-"));
  return { words: argv.toSpliced(at, 1 + compared.length), compared };
}

/** Throws {@link UsageError} when more than one of the questions is asked. */
function takeOne(questions: Readonly<Record<string, string | undefined>>): void {
  const asked = Object.entries(questions).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (asked.length > 1) throw new UsageError(`levels answers one question, got ${asked.join(" beside ")}`);
}

function dateOf(option: string, word: string): string {
  if (parseDay(word) !== undefined) return word;
  throw new UsageError(`${option}: expected the date of a session such as 2026-01-02, got "${word}"`);
}
