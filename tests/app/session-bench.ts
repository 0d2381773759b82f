import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sessions } from "../../src/app/sessions.ts";
import type { SegmentListing } from "../../src/backfill/store/types.ts";
import {
  type CalendarRules,
  Coverage,
  foldMinutes,
  type GridOf,
  intersectRanges,
  type LevelSet,
  type MinuteContributions,
  type MinuteRange,
  minuteOfMs,
  type Session,
  SessionCalendar,
} from "../../src/core/mod.ts";
import { DayLoader, readLevels, SeriesStore } from "../../src/store/mod.ts";
import { ProfileCache } from "../../src/tape/mod.ts";
import { FakeClock, instantTurns } from "../support/fake-clock.ts";
import { batchOfTrades, instrumentNamed, type MadeTrade } from "../support/trades.ts";

export const BIN_UNITS = 5;

/** One series with sessions at work over a tape in memory and a profile cache on the disk, at a clock that is moved by hand. */
export class SessionBench {
  readonly clock: FakeClock;
  readonly calendar: SessionCalendar;
  readonly dir: string;
  readonly log: { readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  /** Windows read from the trade files. */
  readonly reads: MinuteRange[] = [];
  /** Asked for the listing; what it does happens before the answer. */
  onListing: () => void = () => undefined;
  series: SeriesStore;
  sessions: Sessions;
  followed: SeriesStore[] = [];
  changes = 0;
  /** Reads that fail, the next ones first. */
  failReads = 0;
  #trades: MadeTrade[] = [];
  #segments: SegmentListing[] = [];
  #ids = 0;

  private constructor(nowMs: number, rules: CalendarRules, dir: string) {
    this.clock = new FakeClock(nowMs);
    this.calendar = new SessionCalendar(rules);
    this.dir = dir;
    this.series = this.#open();
    this.sessions = this.#start();
  }

  static async open(now: string, rules: CalendarRules = {}): Promise<SessionBench> {
    return new SessionBench(Date.parse(now), rules, await mkdtemp(join(tmpdir(), "tapeline-sessions-")));
  }

  get profiles(): ProfileCache {
    return new ProfileCache({ dir: this.dir, nowMs: () => this.clock.nowMs() });
  }

  /** Writes and commits the trades of some minutes in the place of those that were there; memory is told, unless it is `elsewhere`. */
  commit(range: MinuteRange, trades: readonly MadeTrade[], { elsewhere = false } = {}): void {
    const inside = ({ timeMs }: MadeTrade) => timeMs >= range.lo * 60_000 && timeMs < range.hi * 60_000;
    this.#trades = [...this.#trades.filter((trade) => !inside(trade)), ...trades.filter(inside)];
    const id = ++this.#ids;
    const file = {
      path: `${id}`,
      bytes: 1,
      sha256: `sha${id}`,
      rows: 1,
      firstId: 1,
      lastId: 1,
      firstTimeUs: 0,
      lastTimeUs: 0,
    };
    this.#segments = this.#segments.flatMap((segment) => {
      const covered = segment.covered.flatMap((part) => Coverage.of([range]).missing(part));
      return covered.length === 0 ? [] : [{ ...segment, covered }];
    });
    this.#segments.push({
      ...{
        id,
        seriesId: 1,
        kind: "backfill",
        files: [file],
        covered: [range],
        rows: 1,
        digest: `${id}`,
        origin: "test",
      },
      ...{ firstId: undefined, lastId: undefined, firstTimeUs: undefined, lastTimeUs: undefined },
    });
    if (!elsewhere) this.series.commit(range, this.fold(Coverage.of([range]), this.series.grid));
  }

  /** The process ends, and another begins on the same tape and disk. */
  async restart(): Promise<void> {
    await this.sessions.stop();
    this.followed = [];
    this.reads.length = 0;
    this.log.length = 0;
    this.series = this.#open();
    this.sessions = this.#start();
  }

  async close(): Promise<void> {
    await this.sessions.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Follows the series, as the engine does. */
  async follow(): Promise<void> {
    await this.sessions.roll.hold(this.series);
    this.followed = [this.series];
    this.sessions.start();
  }

  /** The levels of the session that runs now, loaded as whoever asks for them does. */
  async levels(): Promise<LevelSet> {
    await this.sessions.loader.load(this.series, this.session);
    return this.levelsNow();
  }

  levelsNow(): LevelSet {
    const nowMinute = minuteOfMs(this.clock.nowMs());
    return readLevels(this.series, {
      ...{
        session: this.session,
        method: "ranked",
        coarser: 1,
        asOfMs: 0,
        nowMinute,
        expectedEnd: nowMinute,
      },
    });
  }

  get session(): Session {
    return this.calendar.latest(minuteOfMs(this.clock.nowMs()));
  }

  /** The steps that were told of a previous session. */
  get steps(): (readonly [source: unknown, minutes: unknown])[] {
    return this.log
      .filter(({ fields }) => fields["source"])
      .map(({ fields }) => [fields["source"], fields["minutes"]]);
  }

  fold(minutes: Coverage, { scales, binUnits }: GridOf): MinuteContributions {
    const trades = this.#trades.filter(({ timeMs }) => minutes.has(Math.floor(timeMs / 60_000)));
    return {
      ...foldMinutes(
        batchOfTrades(
          trades.toSorted((a, b) => a.id - b.id),
          { scales },
        ),
        binUnits,
      ),
    };
  }

  #open(): SeriesStore {
    const series = new SeriesStore({
      seriesId: 1,
      instrument: instrumentNamed("BTCUSDT"),
      binUnits: BIN_UNITS,
    });
    series.resetCommitted(this.#segments.flatMap(({ covered }) => covered));
    return series;
  }

  #loader(): DayLoader {
    return new DayLoader(async (series, minutes) => this.#read(series, minutes));
  }

  async #read(series: SeriesStore, minutes: Coverage): Promise<MinuteContributions> {
    this.reads.push(...minutes.ranges);
    await Promise.resolve();
    if (this.failReads-- > 0) throw new Error("the tape is gone");
    return this.fold(minutes, series.grid);
  }

  #start(): Sessions {
    const note = (fields: Record<string, unknown>, message: string) => this.log.push({ fields, message });
    return new Sessions({
      calendar: this.calendar,
      jobs: {
        segments: async (_, range) => {
          const listing = this.#segments.flatMap((segment) => {
            const covered = segment.covered.flatMap((part) => intersectRanges(part, range) ?? []);
            return covered.length === 0 ? [] : [{ ...segment, covered }];
          });
          this.onListing();
          return listing;
        },
      },
      reader: { read: async (series, minutes) => this.#read(series, minutes) },
      loader: this.#loader(),
      profiles: this.profiles,
      backfill: { enabled: false, days: 2, previousDay: true },
      clock: this.clock,
      turns: instantTurns(),
      followed: () => this.followed,
      changed: () => this.changes++,
      log: { debug: note, info: note, warn: note, error: note },
    });
  }
}
