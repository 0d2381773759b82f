/** How often a minute of a symbol was asked for. */
export interface MinuteRequests {
  /** Requests for trades whose time window held the minute. */
  readonly asked: number;
  /** Rows of trades served in it; equal to its trades when it was downloaded once. */
  readonly rows: number;
  /** Requests for candles that held it. */
  readonly candles: number;
}

export interface RequestSummary {
  readonly paths: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly symbols: Readonly<Record<string, MinuteRequests & { readonly minutes: number }>>;
  /** Minutes not counted because the log was full. */
  readonly forgotten: number;
}

/** What clients asked of the exchange, so that a test in another process can count it. Bounded. */
export interface RequestLog {
  request(path: string): void;
  status(status: number): void;
  count(symbol: string, minute: number, what: "asked" | "rows" | "candles", by: number): void;
  minutes(
    symbol: string,
    lo: number,
    hi: number,
  ): ReadonlyArray<readonly [minute: number, counts: MinuteRequests]>;
  summary(): RequestSummary;
  clear(): void;
}

/** Minutes with counters, all symbols together: about four months. */
const MINUTES_MAX = 200_000;
/** Distinct paths and statuses. */
const NAMES_MAX = 200;

interface Counts {
  asked: number;
  rows: number;
  candles: number;
}

export function createRequestLog(): RequestLog {
  const paths = new Map<string, number>();
  const statuses = new Map<string, number>();
  const symbols = new Map<string, Map<number, Counts>>();
  let held = 0;
  let forgotten = 0;

  const bump = (map: Map<string, number>, name: string) => {
    if (map.has(name) || map.size < NAMES_MAX) map.set(name, (map.get(name) ?? 0) + 1);
  };

  return {
    request: (path) => bump(paths, path),
    status: (status) => bump(statuses, String(status)),
    count(symbol, minute, what, by) {
      let minutes = symbols.get(symbol);
      if (minutes === undefined) {
        minutes = new Map();
        symbols.set(symbol, minutes);
      }
      let counts = minutes.get(minute);
      if (counts === undefined) {
        if (held >= MINUTES_MAX) {
          forgotten++;
          return;
        }
        held++;
        counts = { asked: 0, rows: 0, candles: 0 };
        minutes.set(minute, counts);
      }
      counts[what] += by;
    },
    minutes(symbol, lo, hi) {
      const rows = [...(symbols.get(symbol) ?? [])].filter(([minute]) => minute >= lo && minute < hi);
      return rows.sort(([a], [b]) => a - b).map(([minute, counts]) => [minute, { ...counts }] as const);
    },
    summary() {
      const totals: Record<string, MinuteRequests & { minutes: number }> = {};
      for (const [symbol, minutes] of symbols) {
        const total = { minutes: minutes.size, asked: 0, rows: 0, candles: 0 };
        for (const counts of minutes.values()) {
          total.asked += counts.asked;
          total.rows += counts.rows;
          total.candles += counts.candles;
        }
        totals[symbol] = total;
      }
      return {
        paths: Object.fromEntries(paths),
        statuses: Object.fromEntries(statuses),
        symbols: totals,
        forgotten,
      };
    },
    clear() {
      paths.clear();
      statuses.clear();
      symbols.clear();
      held = 0;
      forgotten = 0;
    },
  };
}
