import {
  BACKFILL_CHANNEL,
  BackfillService,
  createJobStore,
  createPlanningStore,
  type Dispatcher,
  GapRepair,
  JobPlanner,
  type JobStore,
  type PlanningStore,
  RequestPlanner,
  SegmentReader,
  SeriesCatalog,
  type Settled,
  StartupBackfill,
} from "../backfill/mod.ts";
import { failureOf, symbolName } from "../core/mod.ts";
import { LiveIngest } from "../live/mod.ts";
import { DayLoader, ProfileStore, type SeriesStore } from "../store/mod.ts";
import type { Venue } from "../venues/mod.ts";
import { type BarService, createBarService } from "./bar-service.ts";
import { createChunkWorkers } from "./chunk-workers.ts";
import type { Duties, EngineDeps } from "./engine-deps.ts";
import { everyMinute } from "./every-minute.ts";
import { openFollowed } from "./followed-series.ts";
import { JobBoard } from "./job-board.ts";
import { LevelService, SEAL_GRACE_MS } from "./level-service.ts";
import { commitLiveSegment } from "./live-commit.ts";
import { Neighbours } from "./neighbours.ts";
import { Sessions } from "./sessions.ts";
import { SkeletonWatch } from "./skeleton-watch.ts";
import { Upkeep } from "./upkeep.ts";
import { createWindowService, type WindowService } from "./window-service.ts";

/** Everything between the venue and the levels: jobs, tape, store, live stream. Built here, closed here in reverse. */
export class Engine {
  readonly jobs: JobStore;
  readonly store = new ProfileStore();
  readonly board: JobBoard;
  readonly levels: LevelService;
  readonly sessions: Sessions;
  readonly windows: WindowService;
  readonly bars: BarService;
  readonly service: BackfillService;
  readonly startup: StartupBackfill;
  readonly live: LiveIngest;
  readonly upkeep: Upkeep;
  readonly #deps: EngineDeps;
  readonly #duties: Duties;
  readonly #catalog: SeriesCatalog;
  readonly reader: SegmentReader;
  readonly #dispatcher: Dispatcher;
  readonly #planning: PlanningStore;
  readonly #planner: JobPlanner;
  readonly #repair: GapRepair;
  readonly #neighbours: Neighbours;
  readonly #skeleton: SkeletonWatch;
  readonly #stopping = new AbortController();
  readonly #background = new Set<Promise<unknown>>();
  #cancelMinute = () => {};

  constructor(deps: EngineDeps, duties: Duties) {
    const { config, database, tape, venues, clock, random, log } = deps;
    this.#deps = deps;
    this.#duties = duties;
    this.jobs = createJobStore(database);
    this.board = new JobBoard(() => clock.now());
    this.reader = new SegmentReader({
      jobs: this.jobs,
      tape,
      onLost: (seriesId, ranges) => this.service.applyLoss(seriesId, ranges),
    });
    this.#catalog = new SeriesCatalog({
      jobs: this.jobs,
      store: this.store,
      venueNamed: (name) => venues.find(name),
      binChoice: config.binChoice,
    });
    const loader = new DayLoader((series, minutes) => this.reader.read(series, minutes));
    this.#skeleton = new SkeletonWatch({
      ...deps,
      ...{ store: this.store, loader, method: config.valueAreaMethod },
      open: async (ref, signal) => (await this.#catalog.series(ref, signal)).store,
      followed: () => this.live.series,
    });
    this.sessions = new Sessions({
      ...deps,
      ...{ jobs: this.jobs, reader: this.reader, loader, backfill: config.backfill },
      followed: () => this.live.series,
      changed: (series) => this.#touch(series),
    });
    this.levels = new LevelService({
      ...{ calendar: deps.calendar, turns: deps.turns, store: this.store },
      sessions: this.sessions.loader,
      skeleton: this.#skeleton,
      board: this.board,
      nowMs: () => clock.nowMs(),
      method: config.valueAreaMethod,
      followed: config.symbols.map(symbolName),
    });
    this.windows = createWindowService({ ...deps, store: this.store, loader, candles: this.#skeleton });
    this.bars = createBarService({ ...deps, store: this.store, loader });
    this.upkeep = new Upkeep({
      ...deps,
      ...{ store: this.store, jobs: this.jobs, loader, levels: this.levels },
      live: () => this.live,
      service: () => this.service,
      followed: config.symbols.map(symbolName),
      onEvents: deps.onGaps,
    });
    this.#dispatcher = createChunkWorkers(
      { ...deps, jobs: this.jobs },
      {
        settled: (settled) => this.#settled(settled),
        committed: (chunk) => {
          this.#neighbours.committedHere(chunk);
          this.service.applyCommit(chunk);
          this.#skeleton.committed(chunk);
        },
      },
    );
    const warn = (message: string) => log.warn({}, message);
    const onSettled = (settled: Settled) => this.#settled(settled);
    this.#neighbours = new Neighbours({
      ...{ database, jobs: this.jobs, tape, store: this.store, catalog: this.#catalog, reader: this.reader },
      ...{ dispatcher: this.#dispatcher, timers: clock, onSettled, warn },
    });
    this.live = new LiveIngest({
      venue: this.#venue,
      store: this.store,
      clock,
      kind: "aggregate",
      commit: (segment) =>
        commitLiveSegment(
          { jobs: this.jobs, tape, log, resync: (store, range) => this.service.resync(store, range) },
          segment,
        ),
      refetch: (series, minute) => this.#run(this.#repair.refetch(series, minute)),
      log,
    });
    this.service = new BackfillService({
      jobs: this.jobs,
      store: this.store,
      catalog: this.#catalog,
      planner: new RequestPlanner({
        jobs: this.jobs,
        reader: this.reader,
        live: this.live,
        chunkMinutes: config.backfill.chunkMinutes,
      }),
      reader: this.reader,
      ...{ dispatcher: this.#dispatcher, clock, parallel: config.backfill.parallel, onSettled },
      onWaiting: () => this.#planner.nudge(),
    });
    this.#planning = createPlanningStore(database);
    this.#planner = new JobPlanner({
      planning: this.#planning,
      plan: (job, symbol, signal) => this.service.planSymbol(job, symbol, signal),
      ...{ timers: clock, random, onSettled, warn },
      onWork: () => this.#dispatcher.nudge(),
    });
    this.startup = new StartupBackfill(
      {
        symbols: config.symbols,
        ranges: (nowMinute) => this.sessions.backfilled(nowMinute),
        enabled: duties.follow && config.backfill.enabled,
        timeoutSeconds: config.backfill.timeoutSeconds ?? undefined,
      },
      {
        ...{ jobs: this.jobs, service: this.service, clock, random, warn },
        prepare: (symbols, range, signal) => this.#skeleton.prepare(symbols, range, signal),
      },
    );
    this.#repair = new GapRepair({
      jobs: this.jobs,
      service: this.service,
      live: this.live,
      clock,
      followed: () => this.live.series,
      wanted: (until) => this.sessions.repaired(until),
      onGap: (series, range, reason) => this.upkeep.gapFound(series, range, reason),
      warn,
    });
  }

  /** Begins the work; answers as soon as what is on the disk can be read. The network is waited for in the background. */
  async start(): Promise<void> {
    const { database, tape, clock, log } = this.#deps;
    if (database.kind === "embedded") {
      // The lock says that no other process works here: what a crash left can be taken back and swept at once.
      const freed = await this.jobs.releaseAll();
      for (const settled of freed) this.#settled(settled);
      await this.#planning.releaseTurns();
      await tape.sweep({ listed: await this.jobs.listedFiles(), graceMs: 0 });
    }
    await this.#neighbours.begin();
    // A former process's jobs whose time is up hold no minutes back from the start-up backfill.
    for (const settled of await this.jobs.expireDeadlines()) this.#settled(settled);
    await this.#catalog.openKnown();
    this.#skeleton.start();
    for (const job of await this.jobs.unfinishedJobs()) {
      this.board.observe({ job });
      this.#skeleton.observe(job);
    }
    this.#dispatcher.start();
    this.#planner.start();
    this.sessions.start();
    this.upkeep.start();
    await this.#neighbours.start();
    this.#run(clock.follow(this.#venue, this.#stopping.signal, (message) => log.warn({}, message)));
    if (this.#duties.follow) {
      this.#run(this.#follow());
      this.#cancelMinute = everyMinute(clock, SEAL_GRACE_MS, () => this.#minuteEnded());
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelMinute();
    await this.#neighbours.stop();
    await this.#repair.stop();
    await this.upkeep.stop();
    await this.sessions.stop();
    await this.live.stop();
    await this.#planner.stop();
    await this.#dispatcher.stop();
    await this.#skeleton.stop();
    await Promise.allSettled([...this.#background]);
  }

  get #venue(): Venue {
    const venue = this.#deps.venues.find(this.#deps.config.symbols[0]?.venue ?? "");
    if (venue === undefined) throw new Error("the configuration names a venue that is not registered");
    return venue;
  }

  /** Plans the start-up backfill and joins the live stream; each goes on when the other has to wait. */
  async #follow(): Promise<void> {
    const { config, clock, random, log } = this.#deps;
    const signal = this.#stopping.signal;
    await clock.measure(this.#venue, signal).catch(() => false);
    await this.startup.begin(signal);
    const series = await openFollowed(
      config.symbols,
      {
        open: async (ref, asked) => (await this.#catalog.series(ref, asked)).store,
        hold: (store) => this.sessions.roll.hold(store),
        clock,
        random,
        log,
      },
      signal,
    );
    if (signal.aborted || series.length === 0) return;
    this.live.start(series);
    this.#repair.start();
  }

  /** Time alone changes what is expected: after every minute the followed levels are read anew. */
  #minuteEnded(): void {
    this.#skeleton.minuteEnded();
    for (const series of this.store.list()) this.#touch(series);
  }

  #settled(settled: Settled): void {
    for (const { channel, data } of settled.events)
      if (channel === BACKFILL_CHANNEL)
        this.#deps.log.info(
          { job: data.job_id, progress: data.progress_pct },
          `backfill ${data.from} → ${data.to}`,
        );
    const entry = this.board.observe(settled);
    this.startup.observe(settled);
    this.#dispatcher.heed(settled.job);
    this.#skeleton.observe(settled.job);
    if (settled.job.finishedAt !== undefined) this.upkeep.jobEnded(settled.job.id);
    this.#deps.onSettled(settled);
    if (entry === undefined || settled.events.length === 0) return;
    // A job began or ended: the level sets that name it change although no minute did.
    for (const symbol of entry.request.symbols) {
      const series = this.store.bySymbol(symbol);
      if (series !== undefined) this.#touch(series);
    }
    if (settled.job.finishedAt !== undefined) this.sessions.jobEnded();
  }

  /** Something beside its minutes changed what is told of a series. */
  #touch(series: SeriesStore): void {
    series.touch();
    this.store.announce(series);
  }

  #run(work: Promise<unknown>): void {
    const tracked = work
      .catch((thrown) => this.#deps.log.error({}, `background work failed: ${failureOf(thrown).message}`))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }
}
