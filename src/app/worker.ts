import { type Database, openPostgres } from "../../db/mod.ts";
import { createJobStore, type Dispatcher } from "../backfill/mod.ts";
import type { Config } from "../config.ts";
import { Turns } from "../core/mod.ts";
import type { ThisProcess } from "../runtime/mod.ts";
import { createTape, type Tape } from "../tape/mod.ts";
import { Binance, VenueRegistry } from "../venues/mod.ts";
import { createChunkWorkers, type WorkLog } from "./chunk-workers.ts";
import { ExchangeClock } from "./exchange-clock.ts";
import { hearNudges, saysWork } from "./nudges.ts";
import { TapeSweep } from "./tape-sweep.ts";

export interface WorkerOptions {
  readonly config: Config;
  readonly process: ThisProcess;
  readonly log: WorkLog;
}

/** A process that runs chunks and does nothing else. Its owner closes it. */
export interface Worker {
  /** Gives back what is under way without spending its attempt. */
  close(): Promise<void>;
}

/** Workers need a database that several processes can share. */
export class NoSharedDatabase extends Error {
  override readonly name = "NoSharedDatabase";

  constructor(dataDir: string) {
    super(
      `DATABASE_URL is not set: the embedded database in ${dataDir} belongs to one process, which runs its own chunks ` +
        "(bun run start, BACKFILL_PARALLEL at a time). Workers beside it need a Postgres: set DATABASE_URL to the same one " +
        "for the server and its workers, and BACKFILL_CACHE_DIR to one directory that all of them reach",
    );
  }
}

interface Opened {
  database?: Database;
  tape?: Tape;
  sweep?: TapeSweep;
  dispatcher?: Dispatcher;
  deafen?: () => Promise<void>;
  /** Stops measuring the venue's clock. */
  unfollow?: () => Promise<void>;
}

/**
 * Starts to help: claims chunks of any job in the database as long as there are any. With the server and other workers it
 * shares the database and the tape directory, and nothing else. Throws {@link NoSharedDatabase}, `DatabaseFailure`,
 * `TapeError`.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  if (options.config.databaseUrl === null) throw new NoSharedDatabase(options.config.dataDir);
  const opened: Opened = {};
  try {
    await open(options, options.config.databaseUrl, opened);
  } catch (thrown) {
    await closeAll(opened, options.log);
    throw thrown;
  }
  let closing: Promise<void> | undefined;
  return {
    close() {
      closing ??= closeAll(opened, options.log);
      return closing;
    },
  };
}

async function open(
  { config, process: host, log }: WorkerOptions,
  url: string,
  opened: Opened,
): Promise<void> {
  const clock = new ExchangeClock(host.clock(config.clockOffsetMs));
  const turns = new Turns({ timers: clock, yieldTurn: host.yieldTurn });
  const binance = new Binance({ ...config.binance, clock, turns, random: host.random });
  const venues = new VenueRegistry([binance], [binance]);
  const database = await openPostgres({ url });
  opened.database = database;
  const tape = await createTape({
    dir: config.tapeDir,
    logger: log,
    giveWay: () => turns.take(() => undefined),
  });
  opened.tape = tape;
  const jobs = createJobStore(database);
  const { random, pid } = host;
  const dispatcher = createChunkWorkers(
    { config, jobs, tape, venues, clock, random, turns, processId: pid, log },
    // Whoever shows it reads the tables.
    { settled: () => undefined, committed: () => undefined },
  );
  opened.dispatcher = dispatcher;
  opened.sweep = new TapeSweep({ jobs, tape, timers: clock, warn: (message) => log.warn({}, message) });
  opened.deafen = await hearNudges(database, {
    changed: (nudge) => {
      if (saysWork(nudge)) dispatcher.nudge();
    },
    connected: () => dispatcher.nudge(),
  });
  const following = new AbortController();
  const followed = clock.follow(binance, following.signal, (message) => log.warn({}, message));
  opened.unfollow = () => {
    following.abort();
    return followed;
  };
  dispatcher.start();
  opened.sweep.start();
}

/** Closes what is open, newest first; what fails to close is logged and does not keep the rest open. */
async function closeAll(
  { unfollow, deafen, sweep, dispatcher, tape, database }: Opened,
  log: WorkLog,
): Promise<void> {
  const steps: readonly [name: string, close: (() => Promise<unknown>) | undefined][] = [
    ["clock", unfollow],
    ["nudges", deafen],
    ["sweep", sweep && (() => sweep.stop())],
    ["chunks", dispatcher && (() => dispatcher.stop())],
    ["tape", tape && (() => tape.close())],
    ["database", database && (() => database.close())],
  ];
  for (const [name, close] of steps) {
    try {
      await close?.();
    } catch (thrown) {
      log.error({ err: thrown }, `closing the ${name} failed`);
    }
  }
}
