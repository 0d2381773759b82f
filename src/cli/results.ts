import { MS_PER_DAY } from "../core/mod.ts";
import { type JobAnswer, recordsOf, WINDOW_DAYS_MAX, type WireProfileSummary } from "../protocol/mod.ts";
import { type Api, ApiError } from "./api.ts";

/** What a backfill ended with for one symbol: its levels over the minutes asked for, or why there are none. */
export type SymbolResult =
  | { readonly kind: "levels"; readonly symbol: string; readonly profile: WireProfileSummary }
  | { readonly kind: "none"; readonly symbol: string; readonly reason: string };

/** The results of a job's symbols, asked for one after another. Throws {@link ApiError} when the server has gone. */
export async function fetchResults(
  api: Api,
  job: JobAnswer,
  valueArea: string | undefined,
): Promise<SymbolResult[]> {
  // Candles stand in the database; there are no levels to show.
  if (recordsOf(job) === "candles") return [];
  const { start, end } = job.date_range;
  const days = (Date.parse(end) - Date.parse(start)) / MS_PER_DAY;
  const results: SymbolResult[] = [];
  for (const { symbol, error } of job.details) {
    if (days > WINDOW_DAYS_MAX) {
      const reason = `a range of more than ${WINDOW_DAYS_MAX} days has no single profile; \`bun run levels ${symbol} --session YYYY-MM-DD\` shows a day of it`;
      results.push({ kind: "none", symbol, reason });
      continue;
    }
    try {
      const profile = await api.profile(symbol, { from: start, to: end, valueArea });
      results.push({ kind: "levels", symbol, profile });
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.kind !== "refused") throw thrown;
      results.push({ kind: "none", symbol, reason: error ?? thrown.message });
    }
  }
  return results;
}
