import { expect, test } from "bun:test";
import {
  dayRange,
  decimal,
  foldWindow,
  formatDay,
  type MinuteRange,
  parseSessionHours,
  pocIndex,
  SessionCalendar,
  windowLevels,
} from "../../src/core/mod.ts";
import { comparisonToWire, nakedPocsToWire, periodsToWire, viewProfile } from "../../src/protocol/mod.ts";
import { BIN_UNITS, contributionsOf } from "../store/minute-model.ts";
import { WindowWorld } from "./window-world.ts";

const DAY = 20_000;
const BTC = { venue: "binance", symbol: "BTCUSDT" };
const part = (day: number, lo: number, hi: number): MinuteRange => ({
  lo: dayRange(DAY + day).lo + lo,
  hi: dayRange(DAY + day).lo + hi,
});

/** `days` days of some minutes each, and noon of the day after them. */
function world(days: number, options: ConstructorParameters<typeof WindowWorld>[1] = {}): WindowWorld {
  const made = new WindowWorld(dayRange(DAY + days).lo + 720, options);
  for (let day = 0; day < days; day++) made.commit(part(day, 60 * (day % 5), 60 * (day % 5) + 90));
  return made;
}

function found<T>(outcome: { kind: string; answer?: T }): T {
  expect(outcome.kind).toBe("found");
  return outcome.answer!;
}

test("WindowService.profile(), a window longer than what is in memory at once, with every level", async () => {
  const made = world(40);
  const range = { lo: part(0, 30, 31).lo, hi: part(39, 0, 700).hi };
  const outcome = await made.service.profile({ symbol: BTC, range, bins: true }, made.options);
  if (outcome.kind !== "found") throw new Error(outcome.kind);
  const expected = made.model.fold(range, made.series.grid);
  expect(outcome.profile.window.fold.profile.rows()).toEqual(expected.profile.rows());
  const { summary } = viewProfile(outcome.profile);
  expect(summary).toMatchObject({
    trade_count: expected.count,
    whole: false,
    precision: expect.stringContaining("IMPRECISE"),
  });
  expect(summary.bands.map(({ multiple }) => multiple)).toEqual([1, 2, 3]);
  expect(summary.coverage.expected_minutes).toBe(range.hi - range.lo);
  const before = made.loads;
  await made.service.profile({ symbol: BTC, range, bins: true }, made.options);
  expect(made.loads).toBe(before);
});

test("WindowService.profile(), follows a correction of a day that is kept folded", async () => {
  const made = world(40);
  const query = { symbol: BTC, range: { lo: part(0, 0, 1).lo, hi: part(39, 0, 1_440).hi }, bins: true };
  await made.service.profile(query, made.options);
  made.commit(part(3, 190, 200), 99);
  const outcome = await made.service.profile(query, made.options);
  if (outcome.kind !== "found") throw new Error(outcome.kind);
  expect(outcome.profile.revision).toBe(made.series.revision);
  expect(outcome.profile.window.fold.profile.rows()).toEqual(
    made.model.fold(query.range, made.series.grid).profile.rows(),
  );
});

test("WindowService.profile(), after the longest wait it says how far it is, and goes on from there", async () => {
  const made = world(40);
  made.loadMs = 1_000;
  const query = { symbol: BTC, range: { lo: part(0, 0, 1).lo, hi: part(39, 0, 1_440).hi }, bins: true };
  const outcomes: string[] = [];
  for (let asked = 0; asked < 5 && outcomes.at(-1) !== "found"; asked++) {
    const outcome = await made.service.profile(query, made.options);
    outcomes.push(outcome.kind);
    if (outcome.kind === "loading")
      expect(outcome).toMatchObject({ symbol: "binance:BTCUSDT", daysTotal: 40 });
  }
  expect(outcomes[0]).toBe("loading");
  expect(outcomes.at(-1)).toBe("found");
});

test("WindowService.profile(), a window that does not fit into memory is refused with the reason", async () => {
  const made = world(40, { bytesMax: 4_000 });
  const query = { symbol: BTC, range: { lo: part(0, 0, 1).lo, hi: part(39, 0, 1_440).hi }, bins: true };
  expect(await made.service.profile(query, made.options)).toMatchObject({
    kind: "too_large",
    reason: expect.stringContaining("do not fit"),
  });
});

test("WindowService.composite(), is one profile of its sessions whatever their order", async () => {
  const made = world(12);
  const names = [7, 2, 3].map((day) => formatDay(DAY + day));
  const query = { symbol: BTC, of: { kind: "sessions", names }, bins: true } as const;
  const answer = found(await made.service.composite(query, made.options));
  expect(answer.sessions).toEqual([2, 3, 7].map((day) => formatDay(DAY + day)));
  const minutes = [2, 3, 7].flatMap((day) => {
    const { lo, hi } = dayRange(DAY + day);
    const trades = [...made.model.committed].filter(([minute]) => minute >= lo && minute < hi);
    return contributionsOf(
      trades.map(([, of]) => of),
      made.series.grid,
    ).minutes;
  });
  const expected = foldWindow(minutes);
  expect(answer.window.fold.profile.rows()).toEqual(expected.profile.rows());
  expect(answer.window.coverage).toMatchObject({ expectedMinutes: 3 * 1_440, coveredMinutes: 270 });
  const last = { symbol: BTC, of: { kind: "last", count: 2 }, bins: true } as const;
  expect(found(await made.service.composite(last, made.options)).sessions).toEqual(
    [10, 11].map((day) => formatDay(DAY + day)),
  );
});

test("WindowService.composite(), a date without a session is refused with the parameter", async () => {
  const made = world(3, {
    calendar: new SessionCalendar({ hours: parseSessionHours("09:30-16:00 America/New_York mon-fri") }),
  });
  const saturday = "2024-10-05";
  const query = { symbol: BTC, of: { kind: "sessions", names: [saturday] }, bins: true } as const;
  expect(await made.service.composite(query, made.options)).toEqual({
    kind: "no_session",
    name: saturday,
    nearest: ["2024-10-04", "2024-10-07"],
    parameter: "sessions",
  });
});

test("WindowService.periods(), each has the levels of its own minutes", async () => {
  const made = world(5);
  const range = part(1, 30, 1_440 * 3);
  for (const [period, length] of [
    ["1h", 60],
    ["4h", 240],
    ["1d", 1_440],
  ] as const) {
    const query = { symbol: BTC, period, range, method: "two_row" } as const;
    const answer = found(await made.service.periods(query, made.options));
    expect(answer.windows).toHaveLength(4_320 / length);
    for (const window of answer.windows) {
      expect(window.range.hi - window.range.lo).toBe(length);
      const fold = made.model.fold(window.range, made.series.grid);
      expect(window.levels).toEqual(
        windowLevels({ fold, coverage: window.coverage, whole: window.whole }, made.series.grid, {
          method: "two_row",
        }),
      );
    }
  }
  const weeks = periodsToWire(
    found(await made.service.periods({ symbol: BTC, period: "1w", range }, made.options)),
  );
  expect(weeks.profiles.map(({ from }) => new Date(from).getUTCDay())).toEqual([1, 1]);
  expect(weeks.profiles[0]).toMatchObject({ whole: false, volume: expect.anything() });
});

test("WindowService.compare(), says how the later window lies to the earlier one", async () => {
  const made = new WindowWorld(dayRange(DAY + 2).lo + 5);
  made.at(part(0, 0, 10), 100);
  made.at(part(1, 0, 10), 150);
  const named = (day: number) => ({ kind: "session", name: formatDay(DAY + day) }) as const;
  const query = { symbol: BTC, a: named(0), b: named(1) };
  const wire = comparisonToWire(found(await made.service.compare(query, made.options)));
  expect(wire).toMatchObject({
    overlap: 0,
    poc_shift: 0.5,
    migration: "higher",
    a: { session: formatDay(DAY), poc: 1 },
  });
  const nothing = { kind: "range", range: part(1, 500, 600) } as const;
  const empty = comparisonToWire(found(await made.service.compare({ ...query, b: nothing }, made.options)));
  expect(empty).toMatchObject({
    overlap: null,
    poc_shift: null,
    migration: null,
    b: { poc: null, bands: [] },
  });
});

test("WindowService.nakedPocs(), those that no later minute touched, with distance and certainty", async () => {
  const made = new WindowWorld(dayRange(DAY + 4).lo + 10);
  const whole = (day: number) => part(day, 0, 1_440);
  for (const [day, price] of [
    [0, 100],
    [1, 200],
    [2, 300],
    [3, 250],
  ] as const) {
    made.at(whole(day), price);
    made.at(part(day, 700, 800), price, 50);
  }
  made.at(part(4, 0, 10), 301);
  made.series.receivingFrom = made.nowMinute;
  const query = { symbol: BTC, sessions: 20 };
  const wire = nakedPocsToWire(found(await made.service.nakedPocs(query, made.options)));
  // 300 lies in the row of 301's trades.
  expect(wire.naked_pocs).toEqual(
    [
      [3, 2.5],
      [1, 2],
      [0, 1],
    ].map(([day, price]) => ({
      session: formatDay(DAY + day!),
      price: price!,
      distance: expect.anything(),
      certainty: "exact",
      bounds: null,
    })),
  );
  expect(wire).toMatchObject({ last: 3.01, bin_size: 0.05, undecided: [] });
  expect(wire.naked_pocs[0]?.distance).toBe(-0.51);
  made.series.uncover(part(2, 5, 6));
  const gap = nakedPocsToWire(found(await made.service.nakedPocs(query, made.options)));
  expect(gap.naked_pocs.map(({ certainty }) => certainty)).toEqual(["exact", "estimate", "estimate"]);
});

test("WindowService.nakedPocs(), of sessions that are parts of days, equal those of a plain search", async () => {
  const calendar = new SessionCalendar({ hours: parseSessionHours("22:00-21:00 UTC") });
  const made = new WindowWorld(dayRange(DAY + 40).lo + 700, { calendar });
  for (let day = 0; day < 40; day++) {
    made.commit(part(day, 30, 90), day);
    made.commit(part(day, 1_300, 1_400), day + 100);
  }
  const coarser = 4;
  const query = { symbol: BTC, sessions: 30, binSize: decimal(BIN_UNITS * coarser, 2) };
  const answer = found(await made.service.nakedPocs(query, made.options));
  const all = contributionsOf(
    [...made.model.committed.entries()].sort(([a], [b]) => a - b).map(([, of]) => of),
    made.series.grid,
  );
  const rowUnits = BIN_UNITS * coarser;
  const expected = calendar.ended(made.nowMinute, 30).flatMap(({ name, range }) => {
    const rows = made.model.fold(range, made.series.grid).profile.rows(coarser);
    const at = pocIndex(rows);
    if (at === undefined) return [];
    const poc = rows.bins[at]! * rowUnits;
    const touched = all.minutes.some(
      ({ minute, low, high }) => minute >= range.hi && low < poc + rowUnits && high >= poc,
    );
    return touched ? [] : [{ session: name, poc }];
  });
  expect(answer.pocs.map(({ session, poc }) => ({ session, poc })).reverse()).toEqual(expected);
  expect(answer.sessions).toHaveLength(30);
});

test("WindowService, symbols and bins that it does not have", async () => {
  const made = world(2);
  const range = part(0, 0, 10);
  const of = (symbol: string) =>
    made.service.profile({ symbol: { venue: "binance", symbol }, range, bins: true }, made.options);
  expect(await of("DOGE")).toEqual({ kind: "unknown_symbol", symbol: "binance:DOGE" });
  expect(await of("ETHUSDT")).toMatchObject({ kind: "unavailable" });
  const fine = { symbol: BTC, range, bins: true, binSize: decimal(7, 2) };
  expect(await made.service.profile(fine, made.options)).toEqual({ kind: "bad_bin", binSize: "0.05" });
});
