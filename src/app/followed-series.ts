import { backoffMs, type Clock, failureOf, pause, symbolName } from "../core/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import type { EngineLog } from "./engine-log.ts";

interface SymbolRef {
  readonly venue: string;
  readonly symbol: string;
}

export interface FollowedSeriesDeps {
  /** Finds or makes the series; a new one asks the venue what it trades in. */
  readonly open: (ref: SymbolRef, signal: AbortSignal) => Promise<SeriesStore>;
  /** Brings the running session and the one before it into memory, to stay. */
  readonly hold: (series: SeriesStore) => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Pick<EngineLog, "warn" | "error">;
}

/**
 * Opens the series that are followed live, with their sessions in memory to stay. A venue that does not answer is asked again
 * until it does or `signal` aborts; a symbol that it refuses for good is left out and named in the log.
 */
export async function openFollowed(
  symbols: readonly SymbolRef[],
  deps: FollowedSeriesDeps,
  signal: AbortSignal,
): Promise<SeriesStore[]> {
  const { clock, random, log } = deps;
  const opened = new Map<SymbolRef, SeriesStore>();
  let waiting = [...symbols];
  for (let attempt = 1; waiting.length > 0 && !signal.aborted; attempt++) {
    const again: SymbolRef[] = [];
    let waitMs = 0;
    for (const ref of waiting) {
      try {
        opened.set(ref, await openOne(ref, deps, signal));
      } catch (thrown) {
        if (signal.aborted) return [];
        const failure = failureOf(thrown);
        const symbol = symbolName(ref);
        if (failure.kind === "permanent") {
          log.error({ symbol }, `not followed live: ${failure.message}`);
          continue;
        }
        again.push(ref);
        waitMs = Math.max(waitMs, backoffMs(attempt, random, failure.retryAfterMs));
        log.warn({ symbol, retryInMs: waitMs }, `not followed live yet: ${failure.message}`);
      }
    }
    waiting = again;
    if (waiting.length > 0) await pause(clock, waitMs, signal);
  }
  return symbols.flatMap((ref) => opened.get(ref) ?? []);
}

async function openOne(ref: SymbolRef, deps: FollowedSeriesDeps, signal: AbortSignal): Promise<SeriesStore> {
  const series = await deps.open(ref, signal);
  // Live trades are put beside what is committed of today, and readiness reads yesterday: both have to be here, and stay.
  await deps.hold(series);
  return series;
}
