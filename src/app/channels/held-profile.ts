import {
  DEFAULT_SHARE,
  dayOfMinute,
  type GridOf,
  type MinuteRange,
  type Session,
  type ValueAreaMethod,
} from "../../core/mod.ts";
import { viewProfile } from "../../protocol/mod.ts";
import { type LargeField, MemberLog } from "../../push/mod.ts";
import { type BarMoment, daysAndParts, type SeriesStore, WindowProfile } from "../../store/mod.ts";
import { ToldBins } from "./told-bins.ts";

/** Changes of bins that are remembered: 250 kB of JSON. Who is further behind gets the whole profile. */
const CHANGES_MAX = 8_192;

/** The profile of one session of one series, as it is kept and as it was told. Its owner closes it. */
export class HeldProfile {
  readonly session: Session;
  readonly window: WindowProfile;
  readonly told: ToldBins;
  readonly #series: SeriesStore;
  readonly #grid: GridOf;
  #log: MemberLog<number> | undefined;
  #closed = false;

  /** `coarser`: in bins so many times as wide as the series'. */
  constructor(series: SeriesStore, session: Session, coarser: number) {
    this.session = session;
    this.#series = series;
    this.#grid = series.grid;
    for (const day of daysOf(session.range)) series.pin(day);
    this.window = new WindowProfile(series, session.range, coarser);
    const { binUnits, scales } = series.grid;
    this.told = new ToldBins({ binUnits: binUnits * coarser, scales });
  }

  /** Whether it lies on the grid that the series has now. */
  get fits(): boolean {
    return this.#series.grid === this.#grid;
  }

  /** Bins that the channel would hold. */
  get bins(): number {
    return this.told.count;
  }

  /** Takes what has changed into what is told, for a revision of the series. */
  publish(revision: number): void {
    const changed = this.told.take(this.window.profile, this.window.takeTouched());
    this.#log ??= new MemberLog(CHANGES_MAX, revision);
    this.#log.note(revision, changed);
  }

  /** The profile without its bins, as HTTP names it; nothing of the window is behind. */
  summary(method: ValueAreaMethod, nowMs: number, { nowMinute, expectedEnd }: BarMoment) {
    const { range, name } = this.session;
    const { coarser, profile } = this.window;
    // A session that has ended owes all of its minutes at once.
    const known = this.#series.sums(range, range.hi <= nowMinute ? range.hi : expectedEnd, nowMinute);
    const { revision, ...summary } = viewProfile({
      ...{ symbol: this.#series.symbol, range, asOfMs: nowMs, revision: this.#series.revision },
      ...{ scales: this.#grid.scales, binUnits: this.#grid.binUnits * coarser, coarser: 1 },
      window: { ...known, fold: { ...known.fold, profile } },
      ...{ method, share: DEFAULT_SHARE },
    }).summary;
    return { revision, fields: { session: name, ...summary } };
  }

  get large(): LargeField {
    return {
      name: "bins",
      whole: () => this.told.whole(),
      since: (revision) => {
        const changed = this.#log?.since(revision);
        return changed && this.told.some(changed);
      },
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.window.close();
    for (const day of daysOf(this.session.range)) this.#series.release(day);
  }
}

function daysOf(range: MinuteRange): number[] {
  return [...daysAndParts(range)].map(({ lo }) => dayOfMinute(lo));
}
