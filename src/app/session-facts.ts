import { minuteOfMs, precisionLabel, type Session, type SessionCalendar } from "../core/mod.ts";
import type { SessionFacts } from "../http/mod.ts";
import { type JobStatus, jobHasEnded } from "../protocol/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import type { LevelService } from "./level-service.ts";

export interface SessionQuestion {
  /** Undefined until the data on the disk can be read. */
  readonly engine:
    | {
        readonly store: { bySymbol(symbol: string): SeriesStore | undefined };
        readonly levels: Pick<LevelService, "currentSession" | "expectedEnd">;
      }
    | undefined;
  readonly calendar: Pick<SessionCalendar, "latest">;
  /** The first followed symbol. */
  readonly symbol: string;
  /** Where the start-up backfill stands. */
  readonly backfill: JobStatus;
  readonly nowMs: number;
}

/**
 * What can be traded on now, from memory. Trading is enabled once the previous day is whole and traded, so that PDH, PDL, VAHprev,
 * VALprev, POCprev and VWAPprev are there and exact, and something is known of the running session.
 */
export function readSessionFacts(question: SessionQuestion): SessionFacts {
  const { engine, calendar, symbol, backfill, nowMs } = question;
  const minute = minuteOfMs(nowMs);
  const session = engine?.levels.currentSession() ?? calendar.latest(minute);
  const told = {
    symbol,
    session: session.name,
    sessionOpen: minute < session.range.hi,
    sessionRange: session.range,
  };
  const series = engine?.store.bySymbol(symbol);
  if (engine === undefined || series === undefined)
    return {
      ...told,
      tradingEnabled: false,
      precision: precisionOf({ expectedMinutes: 1, coveredMinutes: 0 }, backfill),
    };
  const end = engine.levels.expectedEnd();
  const previous = series.coverageOf(session.previous);
  const current = series.coverageOf(session.range, end);
  const hasData = current.coveredMinutes > 0 || traded(series, session.range);
  return {
    ...told,
    tradingEnabled: previous.missing.length === 0 && traded(series, session.previous) && hasData,
    precision: precisionOf(
      {
        expectedMinutes: previous.expectedMinutes + current.expectedMinutes,
        coveredMinutes: previous.coveredMinutes + current.coveredMinutes,
      },
      backfill,
    ),
  };
}

/** False also for a session that is not in memory: its levels cannot be told yet. */
function traded(series: SeriesStore, range: Session["range"]): boolean {
  return series.canFold(range) && series.window(range).fold.count > 0;
}

/** Nothing is known and nothing is pending any more: say why instead. */
function precisionOf(
  coverage: { readonly expectedMinutes: number; readonly coveredMinutes: number },
  backfill: JobStatus,
): string {
  if (coverage.coveredMinutes === 0 && backfill !== "complete" && jobHasEnded(backfill))
    return `IMPRECISE (backfill ${backfill})`;
  return precisionLabel({ ...coverage, missing: [] });
}
