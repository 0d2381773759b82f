/** Answers and frames as they were seen, for the examples of the contracts. */

export const LEVEL_SET_SEEN = {
  symbol: "binance:DEMOUSDT",
  session: "2026-11-21",
  as_of: "2026-11-21T22:52:18.539Z",
  revision: 17,
  levels: {
    VWAP: 3204.8747,
    POC: 3201.71,
    VAH: 3220.36,
    VAL: 3194.07,
    HIGH: 3220.37,
    LOW: 3193.26,
    OPEN: 3211.53,
    LAST: 3194.26,
    CD: -34.544,
    rangeToday: 27.11,
    ORH: null,
    ORL: null,
    IBH: null,
    IBL: null,
    PDH: 3258.55,
    PDL: null,
    VAHprev: 3255.9,
    VALprev: null,
    POCprev: null,
    VWAPprev: null,
  },
  certainty: {
    VWAP: "estimate",
    POC: "estimate",
    VAH: "estimate",
    VAL: "estimate",
    HIGH: "estimate",
    LOW: "estimate",
    OPEN: "estimate",
    LAST: "exact",
    CD: "estimate",
    rangeToday: "estimate",
    ORH: null,
    ORL: null,
    IBH: null,
    IBL: null,
    PDH: "exact",
    PDL: null,
    VAHprev: "bounded",
    VALprev: null,
    POCprev: null,
    VWAPprev: null,
  },
  bounds: { VAHprev: [3255.86, 3255.9] },
  doubts: [],
  coverage: {
    expected_minutes: 1372,
    covered_minutes: 122,
    ratio: 0.0889,
    missing: [["2026-11-21T00:00:00.000Z", "2026-11-21T20:50:00.000Z"]],
  },
  precision: "IMPRECISE (backfill 8.8%)",
  value_area: { method: "ranked", share: 0.7 },
  opening_range: "complete",
  bin_size: 0.01,
  trade_count: 11396,
  volume: 4482.0694,
  backfill: { job_id: "01a2004f-722d-70e4-a374-487b2cf7e732", status: "in_progress", percentage: 4.6 },
};

export const PROFILE_SEEN = {
  symbol: "binance:BTCUSDT",
  from: "2026-11-21T22:30:00.000Z",
  to: "2026-11-21T22:33:00.000Z",
  as_of: "2026-11-21T22:55:53.002Z",
  revision: 140,
  poc: 67580,
  vah: 67580,
  val: 67560,
  vwap: 67584.8071,
  deviation: 9.5122,
  bands: [
    { multiple: 1, lower: 67575.2949, upper: 67594.3193 },
    { multiple: 2, lower: 67565.7827, upper: 67603.8315 },
    { multiple: 3, lower: 67556.2705, upper: 67613.3437 },
  ],
  open: 67566.2,
  high: 67601.47,
  low: 67562.86,
  last: 67590.01,
  range: 38.61,
  delta: 0.52535,
  total_volume: 44.63403,
  trade_count: 1871,
  coverage: { expected_minutes: 3, covered_minutes: 3, ratio: 1, missing: [] },
  whole: true,
  precision: "PRECISE",
  value_area: { method: "ranked", share: 0.7 },
  bin_size: 20,
  bins: [
    [67560, 18.83411, 5.64415],
    [67580, 25.47532, 16.79635],
    [67600, 0.3246, 0.13919],
  ],
};

const { bins: _rows, ...PROFILE_SUMMARY_SEEN } = PROFILE_SEEN;

export const PROFILE_STATE_SEEN = {
  session: "2026-11-21",
  ...PROFILE_SUMMARY_SEEN,
  bins: { "67560": [18.83411, 5.64415], "67580": [25.47532, 16.79635], "67600": [0.3246, 0.13919] },
};

export const PROFILE_CHANGE_SEEN = {
  as_of: "2026-11-21T22:55:53.102Z",
  last: 67601.2,
  total_volume: 44.73403,
  trade_count: 1872,
  revision: 141,
  previous_revision: 140,
  bins: { "67600": [0.4246, 0.23919] },
};

export const JOB_SEEN = {
  job_id: "0190b8a4-0000-7000-8000-000000000001",
  status: "in_progress",
  version: 70,
  progress_pct: 41.6,
  chunks_total: 144,
  chunks_done: 60,
  chunks_failed: 0,
  chunks_cancelled: 0,
  symbols_completed: 0,
  symbols_total: 1,
  current_symbol: "binance:BTCUSDT",
  current_timeframe: null,
  total_records_fetched: 1000,
  total_records_inserted: 990,
  total_records_updated: 0,
  total_records_unchanged: 0,
  priority: 0,
  max_parallel: 4,
  date_range: { start: "2026-01-01T00:00:00.000Z", end: "2026-01-03T00:00:00.000Z" },
  created_at: "2026-01-03T12:34:46.789Z",
  started_at: "2026-01-03T12:34:47.789Z",
  completed_at: null,
  deadline_at: null,
  eta_seconds: 12,
  error: null,
  details: [
    {
      symbol: "binance:BTCUSDT",
      timeframe: null,
      status: "in_progress",
      progress_pct: 41.6,
      records_fetched: 1000,
      records_inserted: 990,
      records_updated: 0,
      records_unchanged: 0,
      error: null,
    },
  ],
};

export const LEVEL_CHANGE_SEEN = {
  as_of: "2026-11-21T22:56:59.462Z",
  revision: 6,
  levels: { VWAP: 3198.9093, VAH: 3207.73, HIGH: 3207.75, OPEN: 3204.77, CD: 24.7334, rangeToday: 14.72 },
  coverage: {
    covered_minutes: 26,
    ratio: 0.0188,
    missing: [["2026-11-21T00:00:00.000Z", "2026-11-21T22:30:00.000Z"]],
  },
  precision: "IMPRECISE (backfill 1.8%)",
  trade_count: 1558,
  volume: 644.264,
  backfill: { percentage: 1 },
  previous_revision: 5,
};

const BAR_SEEN = {
  time: "2026-11-30T02:45:00.000Z",
  open: 3030.92,
  high: 3032.28,
  low: 3030.83,
  close: 3032.13,
  volume: 85.7282,
  quote_volume: 259877.061562,
  buy_volume: 34.0002,
  vwap: 3031.407,
  trade_count: null,
  covered: 0,
  candle_minutes: 2,
  missing_minutes: 0,
  quality: null,
  closed: false,
};

export const BARS_SEEN = {
  symbol: "binance:DEMOUSDT",
  interval: "5m",
  loading: false,
  revision: 17,
  bars: { [BAR_SEEN.time]: BAR_SEEN },
};

export const BARS_CHANGE_SEEN = {
  revision: 18,
  previous_revision: 17,
  bars: {
    [BAR_SEEN.time]: { ...BAR_SEEN, close: 3032.1, volume: 85.7515 },
    "2026-11-29T01:45:00.000Z": null,
  },
};

export const TRANSITION_SEEN = {
  job_id: "0190b8a4-0000-7000-8000-000000000001",
  from: "pending",
  to: "in_progress",
  status: "in_progress",
  progress_pct: 0,
  at: "2026-11-21T22:52:16.540Z",
};

export const PROGRESS_SEEN = {
  job_id: "0190b8a4-0000-7000-8000-000000000001",
  status: "in_progress",
  progress_pct: 2.1,
  chunks_total: 282,
  chunks_done: 6,
  chunks_failed: 0,
  total_records_fetched: 3942,
  total_records_inserted: 3942,
};

export const GAP_SEEN = {
  symbol: "binance:BTCUSDT",
  change: "found",
  from: "2026-01-02T08:11:00.000Z",
  to: "2026-01-02T08:13:00.000Z",
  minutes: 2,
  reason: "not_received",
  at: "2026-01-02T08:13:01.204Z",
};
