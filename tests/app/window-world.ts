import { WindowReader } from "../../src/app/window-reader.ts";
import { WindowService } from "../../src/app/window-service.ts";
import { type Coverage, type MinuteRange, SessionCalendar } from "../../src/core/mod.ts";
import { DayLoader, DayProfiles, SeriesStore } from "../../src/store/mod.ts";
import {
  BIN_UNITS,
  contributionsOf,
  MinuteModel,
  type MinuteTrades,
  minuteTrades,
} from "../store/minute-model.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";

/** A window service over one series whose tape is in memory. */
export class WindowWorld {
  readonly model = new MinuteModel();
  readonly series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  readonly profiles: DayProfiles;
  readonly service: WindowService;
  readonly options = { signal: new AbortController().signal };
  nowMinute: number;
  /** What the monotonic clock says, ms. */
  clockMs = 0;
  /** What reading a day takes, ms. */
  loadMs = 0;
  loads = 0;

  constructor(
    nowMinute: number,
    { calendar = new SessionCalendar(), bytesMax }: { calendar?: SessionCalendar; bytesMax?: number } = {},
  ) {
    this.nowMinute = nowMinute;
    this.profiles = new DayProfiles(bytesMax === undefined ? {} : { bytesMax });
    const loader = new DayLoader(async (series, minutes: Coverage) => {
      this.loads++;
      this.clockMs += this.loadMs;
      return this.model.tape(minutes, series.grid);
    });
    this.service = new WindowService({
      store: { bySymbol: (symbol) => (symbol === "binance:BTCUSDT" ? this.series : undefined) },
      followed: ["binance:ETHUSDT"],
      profiles: this.profiles,
      reader: new WindowReader({
        loader,
        profiles: this.profiles,
        turns: { take: async (piece) => piece() },
        now: () => this.clockMs,
      }),
      calendar,
      nowMs: () => this.nowMinute * 60_000 + 30_000,
      expectedEnd: () => this.nowMinute,
      method: "ranked",
    });
  }

  /** Trades of a range, committed; a third of the minutes has none. */
  commit(range: MinuteRange, seed = range.lo): void {
    const trades = minuteTrades(range, seed, SCALES);
    this.model.commit(trades);
    this.series.commit(range, contributionsOf(trades.values(), this.series.grid));
  }

  /** One trade a minute at a price, committed. */
  at(range: MinuteRange, price: number, size = 1): void {
    const trades = new Map<number, MinuteTrades>();
    for (let minute = range.lo; minute < range.hi; minute++) {
      const trade = { id: minute, timeMs: minute * 60_000, price, size, buy: true };
      trades.set(minute, { scales: SCALES, trades: [trade] });
    }
    this.model.commit(trades);
    this.series.commit(range, contributionsOf(trades.values(), this.series.grid));
  }
}
