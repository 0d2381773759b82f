import { Dispatcher } from "../../../src/backfill/dispatcher.ts";
import type { BackfillRequest } from "../../../src/backfill/request.ts";
import { RequestPlanner } from "../../../src/backfill/request-planner.ts";
import type { OpenSeries } from "../../../src/backfill/series-catalog.ts";
import { BackfillService, type Submitted } from "../../../src/backfill/service.ts";
import type { ControlOutcome, JobCommand } from "../../../src/backfill/store/command.ts";
import type { SeriesRow } from "../../../src/backfill/store/types.ts";
import { Coverage, failureOf, invariant, pause, Turns } from "../../../src/core/mod.ts";
import { ProfileStore } from "../../../src/store/mod.ts";
import { CommitLedger } from "./commit-ledger.ts";
import { Connection } from "./connection.ts";
import { instrumentOfSeries, neverAsked, SimulatedVenue } from "./exchange.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { watchedJobs } from "./watched-jobs.ts";
import type { World } from "./world.ts";

const START_RETRY_MS = 1_000;
const ALL_MINUTES = { lo: 0, hi: Number.MAX_SAFE_INTEGER };

export interface WorkerOptions {
  readonly parallel: number;
  readonly leaseMs: number;
  readonly chunkMinutes: number;
}

/** One process of the engine: the real dispatcher and service over the simulated surroundings. */
export class Worker {
  readonly process: SimulatedProcess;
  readonly connection: Connection;
  readonly store = new ProfileStore();
  /** What became of its commits. */
  readonly ledger: CommitLedger;
  readonly #open = new Map<string, OpenSeries>();
  readonly #world: World;
  readonly #options: WorkerOptions;
  readonly #dispatcher: Dispatcher;
  readonly #service: BackfillService;
  #ready = false;

  constructor(world: World, process: SimulatedProcess, options: WorkerOptions) {
    this.#world = world;
    this.process = process;
    this.#options = options;
    this.connection = new Connection(world, process);
    this.ledger = new CommitLedger(world.database.tables);
    this.#dispatcher = this.#makeDispatcher();
    this.#service = this.#makeService();
  }

  /** Takes requests and works. */
  get isReady(): boolean {
    return this.#ready && this.process.isRunning && !this.#dispatcher.stopped;
  }

  get isStopping(): boolean {
    return this.#dispatcher.stopped;
  }

  /** What a process does first, over and over until the database answers. */
  async start(): Promise<void> {
    const { database, embedded } = this.#world;
    for (;;) {
      try {
        if (embedded) await this.#ask("releaseAll", () => database.releaseAll());
        for (const row of await this.#ask("listSeries", () => database.listSeries())) {
          const { id: seriesId, symbol, binUnits } = row;
          const covered = await this.#ask("coverage", () => database.coverage(seriesId, ALL_MINUTES));
          const instrument = { ...instrumentOfSeries(symbol), ...scalesOf(row) };
          const store = this.store.open({ seriesId, instrument, binUnits });
          store.resetCommitted(covered);
          this.#open.set(symbol, { row, store });
        }
        break;
      } catch {
        await pause(this.process, START_RETRY_MS);
      }
    }
    this.#dispatcher.start();
    this.#ready = true;
  }

  submit(request: BackfillRequest): Promise<Submitted> {
    return this.#service.submit(request, new AbortController().signal);
  }

  control(jobId: string, command: JobCommand): Promise<ControlOutcome> {
    return this.#service.control(jobId, command);
  }

  async stop(): Promise<void> {
    this.#world.monitor.tally.stops += 1;
    await this.#dispatcher.stop();
  }

  #ask<T>(name: string, effect: () => Promise<T>): Promise<T> {
    return this.connection.ask(name, effect);
  }

  #makeDispatcher(): Dispatcher {
    const world = this.#world;
    const { process } = this;
    const venue = new SimulatedVenue(world, process, this.#options.parallel);
    return new Dispatcher(
      {
        jobs: watchedJobs(world, process, this.connection, this.ledger),
        tape: { write: (request) => world.tape.write(world, process, request) },
        venueOf: () => venue,
        candleSourceOf: () => neverAsked("candles"),
        turns: new Turns({
          timers: process,
          yieldTurn: () => new Promise((resolve) => process.after(0, resolve)),
        }),
        sleep: (ms) => new Promise((resolve) => process.after(ms, resolve)),
        // The simulated history is over long before anybody asks for it.
        pastMs: () => Number.POSITIVE_INFINITY,
      },
      {
        owner: process.name,
        parallel: this.#options.parallel,
        leaseMs: this.#options.leaseMs,
        random: world.random,
        timers: process,
        listener: {
          settled: () => undefined,
          claimed: ({ lease, range, attempt }) =>
            world.trace(
              process,
              () => `runs chunk ${lease.chunkId} [${range.lo}, ${range.hi}), attempt ${attempt}`,
            ),
          committed: (chunk) => this.#service.applyCommit(chunk),
          attemptFailed: ({ lease }, failure, retryInMs) =>
            world.trace(
              process,
              () => `chunk ${lease.chunkId} failed: ${failure.message}, again in ${retryInMs} ms`,
            ),
          troubled: (thrown) => world.trace(process, () => `troubled: ${failureOf(thrown).message}`),
        },
      },
    );
  }

  #makeService(): BackfillService {
    const { database } = this.#world;
    const ask: Connection["ask"] = (name, effect) => this.connection.ask(name, effect);
    const planner = new RequestPlanner({
      jobs: {
        openRanges: (id, range) => ask("openRanges", () => database.openRanges(id, range)),
        candleCoverage: () => neverAsked("candleCoverage"),
      },
      reader: { verify: async () => ({ files: 0, damaged: 0 }) },
      live: { heldMinutes: () => Coverage.empty, flush: async () => undefined },
      chunkMinutes: this.#options.chunkMinutes,
    });
    return new BackfillService({
      jobs: {
        createJob: (job) => ask("createJob", () => database.createJob(job)),
        coverage: (id, range) => ask("coverage", () => database.coverage(id, range)),
        control: (id, command) =>
          ask("control", async () => {
            const outcome = await database.control(id, command);
            this.#world.trace(this.process, () => `${command.kind} of job ${id.slice(-3)}: ${outcome.kind}`);
            if (outcome.kind === "moved") this.#world.commanded(outcome.job);
            return outcome;
          }),
      },
      planner,
      store: this.store,
      catalog: {
        known: (ref) => this.#open.get(ref.symbol),
        series: async (ref) => this.#mustKnow(ref.symbol),
      },
      reader: { read: async (series) => ({ ...series.grid, minutes: [] }) },
      dispatcher: { nudge: () => this.#dispatcher.nudge(), heed: (job) => this.#dispatcher.heed(job) },
      clock: this.process,
      parallel: this.#options.parallel,
      onSettled: () => undefined,
      onWaiting: () => neverAsked("planning in the background"),
    });
  }

  #mustKnow(symbol: string): OpenSeries {
    const open = this.#open.get(symbol);
    invariant(open !== undefined, "requests name series that there are");
    return open;
  }
}

function scalesOf({ priceScale, sizeScale, tickUnits, lotUnits }: SeriesRow) {
  return { priceScale, sizeScale, tickUnits, lotUnits };
}
