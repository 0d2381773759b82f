import { WindowReader } from "../../src/app/window-reader.ts";
import { WindowService } from "../../src/app/window-service.ts";
import {
  type Coverage,
  type GridOf,
  type MinuteContributions,
  type MinuteRange,
  SessionCalendar,
} from "../../src/core/mod.ts";
import { DayLoader, DayProfiles, SeriesStore, type WindowRanges } from "../../src/store/mod.ts";
import {
  BIN_UNITS,
  contributionsOf,
  MinuteModel,
  type MinuteTrades,
  minuteTrades,
} from "../store/minute-model.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";

export interface WindowWorldOptions {
  readonly calendar?: SessionCalendar;
  readonly bytesMax?: number;
  /** What the tape answers, in place of what was committed to the model. */
  readonly tape?: (minutes: Coverage, grid: GridOf) => MinuteContributions;
}

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
  /** Windows whose candles were asked for. */
  readonly candlesAsked: WindowRanges[] = [];

  constructor(
    nowMinute: number,
    { calendar = new SessionCalendar(), bytesMax, tape }: WindowWorldOptions = {},
  ) {
    this.nowMinute = nowMinute;
    this.profiles = new DayProfiles(bytesMax === undefined ? {} : { bytesMax });
    const loader = new DayLoader(async (series, minutes: Coverage) => {
      this.loads++;
      this.clockMs += this.loadMs;
      return (tape ?? ((of, grid) => this.model.tape(of, grid)))(minutes, series.grid);
    });
    const turns = { take: async <T>(piece: () => T): Promise<T> => piece() };
    this.service = new WindowService({
      turns,
      store: { bySymbol: (symbol) => (symbol === "binance:BTCUSDT" ? this.series : undefined) },
      followed: ["binance:ETHUSDT"],
      profiles: this.profiles,
      reader: new WindowReader({
        loader,
        profiles: this.profiles,
        candles: { bring: async (_series, windows) => void this.candlesAsked.push(...windows) },
        turns,
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
