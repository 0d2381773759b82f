import { coveragePercentage, MS_PER_DAY, precisionLabel, utcSession } from "../core/mod.ts";
import type { HttpDeps, HttpLog, SessionFacts } from "../http/mod.ts";
import type { StartupFacts } from "../protocol/mod.ts";
import type { BackfillFace } from "./backfill-face.ts";
import type { Engine } from "./engine.ts";

export interface HttpWiring {
  /** Undefined until the data on the disk can be read. */
  readonly engine: () => Engine | undefined;
  readonly backfill: () => BackfillFace | undefined;
  /** Resolves when the engine is open, or never will be. */
  readonly opened: Promise<void>;
  /** Whether a start-up backfill will run. */
  readonly startupExpected: boolean;
  readonly followed: readonly string[];
  readonly nowMs: () => number;
  readonly log: HttpLog;
  readonly defaultVenue: string;
  readonly version: string;
  readonly allowedOrigins: readonly string[];
}

const STARTING = { kind: "unavailable", detail: "the server is starting", retryAfterSeconds: 1 } as const;

/**
 * The engine as the HTTP app sees it, from the first moment on. Until it is open, health answers from what is expected, jobs
 * wait for it (whoever asks for one has just started the server, most likely), and levels say that it is starting.
 */
export function httpDeps(wiring: HttpWiring): HttpDeps {
  const { engine, backfill, opened, nowMs, log, defaultVenue, version, allowedOrigins } = wiring;
  return {
    levels: {
      levelSet: (query) => engine()?.levels.levelSet(query) ?? STARTING,
      profile: (query) => engine()?.levels.profile(query) ?? STARTING,
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
      startup: () => backfill()?.startup() ?? beforeStart(wiring.startupExpected),
    },
    session: () => sessionFacts(wiring),
    nowMs,
    requestId: () => crypto.randomUUID(),
    log,
    defaultVenue,
    version,
    allowedOrigins,
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
    status: expected ? "pending" : "disabled",
    running: expected,
    chunksDone: 0,
    chunksTotal: 0,
    percentage: 0,
    etaSeconds: null,
  };
}

/** Trading is enabled once yesterday's levels are complete, as far as minutes of the first symbol are concerned. */
function sessionFacts({ engine, followed, nowMs }: HttpWiring): SessionFacts {
  const symbol = followed[0] ?? "";
  const running = engine();
  const series = running?.store.bySymbol(symbol);
  const session = running?.levels.currentSession() ?? utcSession(Math.floor(nowMs() / MS_PER_DAY));
  if (running === undefined || series === undefined)
    return {
      symbol,
      session: session.name,
      tradingEnabled: false,
      precision: "IMPRECISE (backfill pending)",
    };
  const end = running.levels.expectedEnd();
  const current = series.coverageOf(session.range, end);
  const previous = series.coverageOf(session.previous, end);
  return {
    symbol,
    session: session.name,
    tradingEnabled: coveragePercentage(previous) === 100 && current.coveredMinutes > 0,
    precision: precisionLabel(current),
  };
}
