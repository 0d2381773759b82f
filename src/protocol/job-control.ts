import * as v from "valibot";
import { parseSymbolName, symbolName } from "../core/mod.ts";
import { PriorityField, SYMBOLS_MAX, type VenueSymbol } from "./backfill-request.ts";
import { type FieldFault, faultsFromIssues, fieldFault } from "./problem.ts";
import type { Parsed } from "./queries.ts";

/** Chunks of one job at the same time, over all workers. */
export const MAX_PARALLEL_MAX = 1_000;
const SYMBOL_CHARS_MAX = 80;

const SYMBOLS_EXPECTED = `1 to ${SYMBOLS_MAX} symbols of the job such as "BTCUSDT" or "binance:BTCUSDT"`;
const SYMBOL_EXPECTED = 'a symbol such as "BTCUSDT" or "binance:BTCUSDT"';
const PARALLEL_EXPECTED = `a whole number from 1 to ${MAX_PARALLEL_MAX}`;

/** Body of `POST /api/v1/backfill/{job_id}/retry`; none of it is needed. */
export const RetryBody = v.strictObject({
  symbols: v.optional(
    v.pipe(
      v.array(
        v.pipe(v.string(SYMBOL_EXPECTED), v.maxLength(SYMBOL_CHARS_MAX, SYMBOL_EXPECTED)),
        SYMBOLS_EXPECTED,
      ),
      v.minLength(1, SYMBOLS_EXPECTED),
      v.maxLength(SYMBOLS_MAX, SYMBOLS_EXPECTED),
    ),
  ),
});
export type RetryBody = v.InferInput<typeof RetryBody>;

/** Body of `POST /api/v1/backfill/{job_id}/priority`: at least one of them. */
export const AdjustBody = v.strictObject({
  priority: v.optional(PriorityField),
  max_parallel: v.optional(
    v.pipe(
      v.number(PARALLEL_EXPECTED),
      v.safeInteger(PARALLEL_EXPECTED),
      v.minValue(1, PARALLEL_EXPECTED),
      v.maxValue(MAX_PARALLEL_MAX, PARALLEL_EXPECTED),
    ),
  ),
});
export type AdjustBody = v.InferInput<typeof AdjustBody>;

/** Body of the commands that take nothing: it may be left out. */
export const NoFields = v.strictObject({});

/** What a job is told to do. */
export type JobCommand =
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "cancel" }
  /** Of the named symbols; of all of them when absent. */
  | { readonly kind: "retry"; readonly symbols?: readonly VenueSymbol[] | undefined }
  | {
      readonly kind: "adjust";
      readonly priority?: number | undefined;
      readonly maxParallel?: number | undefined;
    };

/** The last step of a command's address. */
export const COMMAND_WORDS = ["pause", "resume", "cancel", "retry", "priority"] as const;
export type CommandWord = (typeof COMMAND_WORDS)[number];

/** Understands the body of a command (undefined: none was sent); a bare symbol belongs to `defaultVenue`. */
export function parseJobCommand(
  word: CommandWord,
  body: unknown,
  { defaultVenue }: { readonly defaultVenue: string },
): Parsed<JobCommand> {
  switch (word) {
    case "retry":
      return parseRetry(body ?? {}, defaultVenue);
    case "priority":
      return parseAdjust(body);
    default: {
      const parsed = v.safeParse(NoFields, body ?? {});
      return parsed.success
        ? { kind: "ok", value: { kind: word } }
        : refused(faultsFromIssues(parsed.issues));
    }
  }
}

function parseRetry(body: unknown, defaultVenue: string): Parsed<JobCommand> {
  const parsed = v.safeParse(RetryBody, body);
  if (!parsed.success) return refused(faultsFromIssues(parsed.issues));
  if (parsed.output.symbols === undefined) return { kind: "ok", value: { kind: "retry" } };
  const errors: FieldFault[] = [];
  const symbols = new Map<string, VenueSymbol>();
  for (const [at, name] of parsed.output.symbols.entries()) {
    const symbol = parseSymbolName(name, defaultVenue);
    if (symbol === undefined) errors.push(fieldFault(`$.symbols[${at}]`, SYMBOL_EXPECTED, name));
    else symbols.set(symbolName(symbol), symbol);
  }
  if (errors.length > 0) return refused(errors);
  return { kind: "ok", value: { kind: "retry", symbols: [...symbols.values()] } };
}

function parseAdjust(body: unknown): Parsed<JobCommand> {
  const parsed = v.safeParse(AdjustBody, body);
  if (!parsed.success) return refused(faultsFromIssues(parsed.issues));
  const { priority, max_parallel: maxParallel } = parsed.output;
  if (priority === undefined && maxParallel === undefined)
    return refused([fieldFault("$", "priority, max_parallel or both", parsed.output)]);
  return { kind: "ok", value: { kind: "adjust", priority, maxParallel } };
}

function refused(errors: readonly FieldFault[]): Parsed<never> {
  return { kind: "refused", errors };
}
