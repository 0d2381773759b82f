import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  acquireDataDirLock,
  type Database,
  type DataDirLock,
  openEmbedded,
  openPostgres,
} from "../../db/mod.ts";
import manifest from "../../package.json" with { type: "json" };
import { type Config, DEFAULT_VENUE } from "../config.ts";
import { SessionCalendar, symbolName, Turns } from "../core/mod.ts";
import { createHttpApp } from "../http/mod.ts";
import { PushHub } from "../push/mod.ts";
import { listen, type ThisProcess, type WebServer } from "../runtime/mod.ts";
import { createTape, ProfileCache, type Tape } from "../tape/mod.ts";
import { Binance, VenueRegistry } from "../venues/mod.ts";
import { serverAssets } from "./assets.ts";
import { Automation } from "./automation.ts";
import { BackfillControl } from "./backfill-control.ts";
import { BackfillFace } from "./backfill-face.ts";

import { BackfillWaits } from "./backfill-waits.ts";
import { CacheFace } from "./cache-face.ts";
import { Engine } from "./engine.ts";
import type { Duties } from "./engine-deps.ts";
import type { EngineLog } from "./engine-log.ts";

import { ExchangeClock } from "./exchange-clock.ts";
import { GapPush } from "./gap-push.ts";
import { httpDeps } from "./http-deps.ts";
import { JobReadings } from "./job-readings.ts";
import { PushChannels } from "./push-channels.ts";
import { openTokenChecks } from "./tokens.ts";

/** Profiles of finished sessions, inside the data directory. */
const PROFILES_DIR = "cache";
const TEMPLATE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/tapeline", import.meta.url));
/** Connections are closed over this long, so that clients do not all come back at once. */
const CLOSE_SPREAD_MS = 200;

export interface AppOptions {
  readonly config: Config;
  readonly duties: Duties;
  readonly process: ThisProcess;
  readonly log: EngineLog;
  /** Something that cannot be gone on from: the owner closes the app and ends the process. */
  readonly onFatal: (error: Error) => void;
}

/** A running Tapeline. Its owner closes it. */
export interface App {
  readonly url: string;
  /** Lets commands of the user who runs it do everything; undefined: nobody is asked for a token. */
  readonly localToken: string | undefined;
  /** Resolves when the data on the disk can be read; rejects when that failed. HTTP answers from the first moment. */
  readonly ready: Promise<void>;
  /** The engine, once it is ready. */
  readonly engine: () => Engine | undefined;
  close(): Promise<void>;
}

/** What is open, in the order it was opened. */
interface Opened {
  lock?: DataDirLock;
  server?: WebServer;
  database?: Database;
  tape?: Tape;
  engine?: Engine;
  readings?: JobReadings;
  waits?: BackfillWaits;
  automation?: Automation;
  gaps?: GapPush;
}

/**
 * Builds everything and closes everything in reverse order. The server listens before anything else is opened.
 * Throws `DataDirBusy` when another process holds the data directory, and what `listen` throws when the address is taken.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, log } = options;
  const opened: Opened = {};
  if (config.databaseUrl === null) opened.lock = await acquireDataDirLock(config.dataDir, options.process);
  try {
    return await serve(options, opened);
  } catch (thrown) {
    await closeAll(opened, undefined, log);
    throw thrown;
  }
}

async function serve(options: AppOptions, opened: Opened): Promise<App> {
  const { config, duties, log, onFatal } = options;
  const clock = new ExchangeClock(options.process.clock(config.clockOffsetMs));
  const turns = new Turns({ timers: clock, yieldTurn: options.process.yieldTurn });
  const binance = new Binance({ ...config.binance, clock, turns, random: options.process.random });
  const calendar = new SessionCalendar(config.sessions);
  // Files and tokens are dated by the machine's clock, wherever ours stands.
  const machineClock = options.process.clock(0);
  const profiles = config.backfill.profiles
    ? new ProfileCache({ dir: join(config.dataDir, PROFILES_DIR), nowMs: () => machineClock.nowMs() })
    : undefined;
  const venues = new VenueRegistry([binance], [binance]);
  const { verifier, authorizer, localToken } = openTokenChecks(config.tokens, {
    defaultVenue: DEFAULT_VENUE,
    nowMs: () => machineClock.nowMs(),
  });
  let channels: PushChannels | undefined;
  let face: BackfillFace | undefined;
  let control: BackfillControl | undefined;
  let cache: CacheFace | undefined;
  const hub = new PushHub({
    timers: clock,
    nowMs: () => machineClock.nowMs(),
    ...(authorizer === undefined ? {} : { authorizer }),
    resolve: (channel) =>
      opened.engine === undefined || channels === undefined
        ? { kind: "later", message: "the server is starting" }
        : channels.resolve(channel),
    defaultVenue: DEFAULT_VENUE,
    newClientId: () => crypto.randomUUID(),
    version: `tapeline ${manifest.version}`,
    rpc: (request, grant) => app.fetch(request, { grant }),
    onError: (error, doing) => log.error({ err: error }, `push: ${doing} failed`),
    limits: { ...config.push.limits, conflateMs: config.levelsIntervalMs },
  });
  const { promise: engineOpened, resolve: tellOpened } = Promise.withResolvers<void>();
  const app = createHttpApp(
    httpDeps({
      engine: () => opened.engine,
      backfill: () => face,
      control: () => control,
      cache: () => cache,
      waits: () => opened.waits,
      automation: () => opened.automation,
      opened: engineOpened,
      startupExpected: duties.follow && config.backfill.enabled,
      followed: config.symbols.map(symbolName),
      calendar,
      nowMs: () => clock.nowMs(),
      log,
      defaultVenue: DEFAULT_VENUE,
      version: manifest.version,
      allowedOrigins: config.allowedOrigins,
      tokens: verifier,
      assets: serverAssets(),
    }),
  );
  const server = listen({
    hostname: config.host,
    port: config.port,
    fetch: app.fetch,
    push: hub,
    allowedOrigins: config.allowedOrigins,
    addressHeader: config.push.addressHeader ?? undefined,
    loopbackNamesOnly: verifier === undefined,
  });
  opened.server = server;
  await opened.lock?.publish({ url: server.url, token: localToken });

  let closing: Promise<void> | undefined;
  const open = async () => {
    const [database, tape] = await Promise.all([
      openDatabase(options, opened).then((made) => {
        opened.database = made;
        return made;
      }),
      createTape({
        dir: config.tapeDir,
        logger: log,
        giveWay: () => turns.take(() => undefined),
        ...(opened.lock === undefined ? {} : { tempGraceMs: 0 }),
      }).then((made) => {
        opened.tape = made;
        return made;
      }),
    ]);
    if (closing !== undefined) return;
    const engine = new Engine(
      {
        config,
        database,
        tape,
        profiles,
        calendar,
        venues,
        clock,
        random: options.process.random,
        turns,
        processId: options.process.pid,
        log,
        onSettled: (settled) => {
          // First: who hears of a transition finds it.
          opened.readings?.observe(settled);
          channels?.settled(settled);
          opened.waits?.observe(settled.job);
          if (settled.events.length > 0) opened.automation?.jobMoved();
        },
        onGaps: (events) => opened.gaps?.publish(events),
      },
      duties,
    );
    const { jobs, service, startup, board, store, levels } = engine;
    const readings = new JobReadings({ jobs, timers: clock, sole: database.kind === "embedded" });
    opened.readings = readings;
    face = new BackfillFace({ readings, service, startup, board, venues });
    opened.waits = new BackfillWaits({ jobs, startup: () => startup.status(), timers: clock });
    control = new BackfillControl({ service, face });
    cache = new CacheFace({ database, jobs, tape, store, profiles, reader: engine.reader, timers: clock });
    const backfill = face;
    const automation = new Automation({
      database,
      clock,
      random: options.process.random,
      yieldTurn: options.process.yieldTurn,
      log,
      defaultVenue: DEFAULT_VENUE,
      webhooksAllowPrivate: config.webhookAllowPrivate,
      submit: (request, about) => backfill.submit(request, about),
    });
    opened.automation = automation;
    const followed = config.symbols.map(symbolName);
    const onError = (error: unknown, doing: string) => log.error({ err: error }, `push: ${doing} failed`);
    const gaps = new GapPush({
      ...{ database, hub: () => hub, timers: clock, onError },
      symbols: () => [...new Set([...followed, ...store.list().map(({ symbol }) => symbol)])],
    });
    opened.gaps = gaps;
    channels = new PushChannels({
      ...{ gaps, bars: engine.bars.means, timers: clock, method: config.valueAreaMethod },
      live: engine.live,
      jobs,
      store,
      levels,
      backfill: face,
      hub: () => hub,
      followed,
      onError,
    });
    store.subscribe(({ series }) => channels?.seriesChanged(series));
    gaps.start();
    await engine.start();
    opened.engine = engine;
    // A command's own server is there for its job alone.
    if (duties.follow) automation.start();
    tellOpened();
  };
  const ready = open();
  ready.catch((thrown) => {
    if (closing === undefined) onFatal(thrown instanceof Error ? thrown : new Error(String(thrown)));
  });
  return {
    url: server.url,
    localToken,
    ready,
    engine: () => opened.engine,
    close() {
      tellOpened();
      closing ??= ready.catch(() => undefined).then(() => closeAll(opened, hub, log));
      return closing;
    },
  };
}

function openDatabase({ config, process: host, onFatal }: AppOptions, { lock }: Opened): Promise<Database> {
  if (config.databaseUrl !== null) return openPostgres({ url: config.databaseUrl });
  if (lock === undefined) throw new Error("the embedded database is opened under its lock");
  return openEmbedded({
    lock,
    template: { cacheDir: TEMPLATE_CACHE, executable: host.executable },
    onFatal,
  });
}

/** Closes what is open, newest first; what fails to close is logged and does not keep the rest open. */
async function closeAll(opened: Opened, hub: PushHub | undefined, log: EngineLog): Promise<void> {
  const { readings, waits, automation, gaps, engine, tape, database, server, lock } = opened;
  const steps: readonly [name: string, close: (() => Promise<unknown>) | undefined][] = [
    ["push", hub && (() => hub.close(CLOSE_SPREAD_MS))],
    ["automation", automation && (() => automation.stop())],
    ["gap channels", gaps && (() => gaps.stop())],
    ["engine", engine && (() => engine.stop())],
    ["waiting requests", waits && (async () => waits.close())],
    ["server", server && (() => server.stop())],
    ["readings", readings && (async () => readings.close())],
    ["tape", tape && (() => tape.close())],
    ["database", database && (() => database.close())],
    ["lock", lock && (() => lock.release())],
  ];
  for (const [name, close] of steps) {
    try {
      await close?.();
    } catch (thrown) {
      log.error({ err: thrown }, `closing the ${name} failed`);
    }
  }
}
