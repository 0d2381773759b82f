import type { SessionCalendar } from "../core/mod.ts";
import type { Asset, HttpDeps, HttpLog } from "../http/mod.ts";
import { jobHasEnded, type StartupFacts, type WaitQuery } from "../protocol/mod.ts";
import { type Automation, automationFaces } from "./automation.ts";
import type { BackfillControl } from "./backfill-control.ts";
import type { BackfillFace } from "./backfill-face.ts";
import type { BackfillWaits } from "./backfill-waits.ts";
import type { CacheFace } from "./cache-face.ts";
import type { Engine } from "./engine.ts";
import { knownSymbols } from "./known-symbols.ts";
import { readSessionFacts } from "./session-facts.ts";

export interface HttpWiring {
  /** Undefined until the data on the disk can be read. */
  readonly engine: () => Engine | undefined;
  readonly backfill: () => BackfillFace | undefined;
  readonly control: () => BackfillControl | undefined;
  readonly cache: () => CacheFace | undefined;
  readonly waits: () => BackfillWaits | undefined;
  readonly automation: () => Automation | undefined;
  /** Resolves when the engine is open, or never will be. */
  readonly opened: Promise<void>;
  /** Whether a start-up backfill will run. */
  readonly startupExpected: boolean;
  readonly followed: readonly string[];
  readonly calendar: SessionCalendar;
  readonly nowMs: () => number;
  readonly log: HttpLog;
  readonly defaultVenue: string;
  readonly version: string;
  readonly allowedOrigins: readonly string[];
  /** Undefined: nobody is asked for a token. */
  readonly tokens: HttpDeps["tokens"];
  readonly assets: readonly Asset[];
}

const LOOK = { kind: "look" } as const;
const STARTING = { kind: "unavailable", detail: "the server is starting", retryAfterSeconds: 1 } as const;

/**
 * The engine as the HTTP app sees it, from the first moment on. Until it is open, health answers from what is expected, jobs
 * wait for it (whoever asks for one has just started the server, most likely), and levels say that it is starting.
 */
export function httpDeps(wiring: HttpWiring): HttpDeps {
  const { engine, backfill, opened, nowMs, log, defaultVenue, version, allowedOrigins } = wiring;
  const startup = () => backfill()?.startup() ?? beforeStart(wiring.startupExpected);
  /** The wait that is left once the engine is open; undefined when it never opens, or not in time. */
  const openWithin = async <W extends WaitQuery>(wait: W, signal: AbortSignal) => {
    const since = performance.now();
    await settledOrAborted(opened, AbortSignal.any([signal, AbortSignal.timeout(wait.waitMs)]));
    const waitMs = wait.waitMs - (performance.now() - since);
    return engine() === undefined || waitMs <= 0 ? undefined : { ...wait, waitMs };
  };
  return {
    levels: {
      levelSet: (query) => engine()?.levels.levelSet(query) ?? STARTING,
      profile: (query, options) => engine()?.windows.profile(query, options) ?? STARTING,
    },
    windows: {
      periods: (query, options) => engine()?.windows.periods(query, options) ?? STARTING,
      compare: (query, options) => engine()?.windows.compare(query, options) ?? STARTING,
      nakedPocs: (query, options) => engine()?.windows.nakedPocs(query, options) ?? STARTING,
      composite: (query, options) => engine()?.windows.composite(query, options) ?? STARTING,
    },
    bars: { bars: (query, options) => engine()?.bars.bars(query, options) ?? STARTING },
    symbols: {
      symbols() {
        const store = engine()?.store;
        return store === undefined ? STARTING : knownSymbols(store, wiring.followed);
      },
    },
    upkeep: {
      session: (query) => engine()?.upkeep.reads.session(query) ?? STARTING,
      gaps: (query) => engine()?.upkeep.reads.gaps(query) ?? STARTING,
    },
    backfill: {
      async submit(request, options) {
        await settledOrAborted(opened, options.signal);
        return engine() === undefined ? STARTING : (backfill()?.submit(request, options) ?? STARTING);
      },
      async job(id, options) {
        await settledOrAborted(opened, options.signal);
        return backfill()?.job(id, options);
      },
      async recent(limit, options) {
        await settledOrAborted(opened, options.signal);
        return backfill()?.recent(limit, options) ?? [];
      },
      startup,
    },
    control: {
      async tell(id, command, options) {
        await settledOrAborted(opened, options.signal);
        return wiring.control()?.tell(id, command, options) ?? STARTING;
      },
    },
    ...automationFaces(async (signal) => {
      await settledOrAborted(opened, signal);
      return wiring.automation();
    }, STARTING),
    cache: {
      async stats(options) {
        await settledOrAborted(opened, options.signal);
        return wiring.cache()?.stats() ?? STARTING;
      },
      async verify(after, options) {
        await settledOrAborted(opened, options.signal);
        return wiring.cache()?.verify(after, options) ?? STARTING;
      },
      async clean(options) {
        await settledOrAborted(opened, options.signal);
        return wiring.cache()?.clean() ?? STARTING;
      },
    },
    waits: {
      async job(id, wait, options) {
        const left = await openWithin(wait, options.signal);
        return left === undefined ? LOOK : (wiring.waits()?.job(id, left, options) ?? LOOK);
      },
      async startup(wait, options) {
        if (jobHasEnded(startup().status)) return LOOK;
        const left = await openWithin(wait, options.signal);
        return left === undefined ? LOOK : (wiring.waits()?.startup(left, options) ?? LOOK);
      },
    },
    session: () =>
      readSessionFacts({
        engine: engine(),
        calendar: wiring.calendar,
        symbol: wiring.followed[0] ?? "",
        backfill: startup().status,
        nowMs: nowMs(),
      }),
    nowMs,
    requestId: () => crypto.randomUUID(),
    log,
    defaultVenue,
    version,
    allowedOrigins,
    tokens: wiring.tokens,
    assets: wiring.assets,
  };
}

function settledOrAborted(awaited: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    void awaited.then(resolve);
  });
}

function beforeStart(expected: boolean): StartupFacts {
  return {
    status: expected ? "idle" : "disabled",
    running: false,
    chunksDone: 0,
    chunksTotal: 0,
    percentage: 0,
    etaSeconds: null,
  };
}
