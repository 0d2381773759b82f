import { hostname } from "node:os";
import { Dispatcher, type DispatcherListener, type JobStore } from "../backfill/mod.ts";
import type { Config } from "../config.ts";
import { failureOf, symbolName, type Turns } from "../core/mod.ts";
import type { Tape } from "../tape/mod.ts";
import type { VenueRegistry } from "../venues/mod.ts";
import type { ExchangeClock } from "./exchange-clock.ts";

export interface WorkLog {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface ChunkWorkersDeps {
  readonly config: Config;
  readonly jobs: JobStore;
  readonly tape: Tape;
  readonly venues: VenueRegistry;
  readonly clock: ExchangeClock;
  readonly random: () => number;
  readonly turns: Turns;
  readonly processId: number;
  readonly log: WorkLog;
}

/** What runs chunks in this process, a server or a worker; what became of them is logged, and told to `told`. */
export function createChunkWorkers(
  deps: ChunkWorkersDeps,
  told: Pick<DispatcherListener, "settled" | "committed">,
): Dispatcher {
  const { config, jobs, tape, venues, clock, random, turns, processId, log } = deps;
  return new Dispatcher(
    {
      jobs,
      tape,
      turns,
      sleep: (ms) => new Promise((resolve) => clock.after(ms, resolve)),
      pastMs: () => clock.pastMs(),
      venueOf: (name) => {
        const venue = venues.find(name);
        if (venue === undefined)
          throw new Error(`chunks of ${name} cannot be run here: there is no such venue`);
        return venue;
      },
      candleSourceOf: (name) => {
        const source = venues.findCandles(name);
        if (source === undefined)
          throw new Error(`candle chunks of ${name} cannot be run here: nobody of that name has candles`);
        return source;
      },
    },
    {
      owner: `${hostname()}/${processId}`,
      parallel: config.backfill.parallel,
      leaseMs: config.backfill.leaseMs,
      random,
      timers: clock,
      listener: {
        settled: told.settled,
        committed: told.committed,
        claimed: (chunk) =>
          log.debug(
            { symbol: symbolName(chunk.series), ...chunk.range, attempt: chunk.attempt },
            "chunk claimed",
          ),
        lost: (chunk) =>
          log.warn(
            { symbol: symbolName(chunk.series), ...chunk.range, lease: chunk.lease },
            "write refused: the lease is another worker's by now",
          ),
        attemptFailed: (chunk, failure, retryInMs) =>
          log.warn(
            {
              symbol: symbolName(chunk.series),
              ...chunk.range,
              attempt: chunk.attempt,
              retryInMs,
              kind: failure.kind,
            },
            `chunk failed: ${failure.message}`,
          ),
        troubled: (thrown) => log.error({}, `the job store could not be asked: ${failureOf(thrown).message}`),
      },
    },
  );
}
