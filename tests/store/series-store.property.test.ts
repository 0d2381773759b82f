import { expect, test } from "bun:test";
import fc from "fast-check";
import { MINUTES_PER_DAY, type MinuteRange, type WindowFold } from "../../src/core/mod.ts";
import { DayLoader, RESIDENT_DAYS_MAX, SeriesStore } from "../../src/store/mod.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf, MinuteModel, minuteTrades } from "./minute-model.ts";

const FIRST_DAY = 20_000;
/** More than fit into memory, so that loads and evictions happen all the time. */
const DAYS = RESIDENT_DAYS_MAX + 4;
/** The live stream writes into the last two days only, as in life. */
const LIVE_FROM = (FIRST_DAY + DAYS - 2) * MINUTES_PER_DAY;
const ALL: MinuteRange = { lo: FIRST_DAY * MINUTES_PER_DAY, hi: (FIRST_DAY + DAYS) * MINUTES_PER_DAY };

type Step =
  | {
      readonly op: "commit" | "sealed" | "open" | "uncover";
      readonly range: MinuteRange;
      readonly seed: number;
      readonly finer: number;
    }
  | { readonly op: "read"; readonly range: MinuteRange; readonly racing: Step | undefined };

/** Ranges around midnight, where days meet, and inside days. */
const range = (from: number, lengthMax: number): fc.Arbitrary<MinuteRange> =>
  fc
    .tuple(
      fc.integer({ min: Math.floor(from / MINUTES_PER_DAY), max: FIRST_DAY + DAYS - 1 }),
      fc.constantFrom(0, 3, 10, 1_430, 1_437),
      fc.integer({ min: 1, max: lengthMax }),
    )
    .map(([day, at, length]) => {
      const lo = day * MINUTES_PER_DAY + at;
      return { lo, hi: Math.min(ALL.hi, lo + length) };
    });

const step: fc.Arbitrary<Step> = fc.letrec<{ step: Step; change: Step }>((tie) => {
  const change = (op: "commit" | "sealed" | "open" | "uncover", from: number, length: number) =>
    fc.record({
      op: fc.constant(op),
      range: range(from, length),
      seed: fc.nat(),
      // Now and then the venue trades in finer steps than it said.
      finer: fc.integer({ min: 0, max: 40 }).map((n) => (n === 0 ? 1 : 0)),
    });
  return {
    change: fc.oneof(
      { weight: 5, arbitrary: change("commit", ALL.lo, 20) },
      { weight: 2, arbitrary: change("sealed", LIVE_FROM, 6) },
      { weight: 2, arbitrary: change("open", LIVE_FROM, 2) },
      { weight: 1, arbitrary: change("uncover", ALL.lo, 30) },
    ),
    step: fc.oneof(
      { weight: 6, arbitrary: tie("change") },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constant("read" as const),
          range: fc.oneof(range(ALL.lo, 40), range(ALL.lo, 3 * MINUTES_PER_DAY), fc.constant(ALL)),
          racing: fc.option(tie("change"), { nil: undefined }),
        }),
      },
    ),
  };
}).step;

class Bench {
  readonly model = new MinuteModel();
  readonly store = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  #racing: Step | undefined;
  readonly loader = new DayLoader(async (series, minutes) => {
    const found = this.model.tape(minutes, series.grid);
    await Promise.resolve();
    const racing = this.#racing;
    this.#racing = undefined;
    if (racing !== undefined) this.change(racing);
    await Promise.resolve();
    return found;
  });

  async run(each: Step): Promise<void> {
    if (each.op !== "read") {
      // As in life: the days of the live stream are in memory.
      if (each.op === "sealed" || each.op === "open")
        await this.loader.load(this.store, { lo: LIVE_FROM, hi: ALL.hi });
      this.change(each);
      return;
    }
    this.#racing = each.racing?.op === "commit" || each.racing?.op === "uncover" ? each.racing : undefined;
    await this.loader.load(this.store, each.range);
    const { fold, coverage } = this.store.window(each.range);
    expect(plain(fold)).toEqual(plain(this.model.fold(each.range, this.store.grid)));
    const missing = this.model.covered.missing(each.range);
    expect(coverage.missing).toEqual(missing);
    expect(coverage.expectedMinutes - coverage.coveredMinutes).toBe(
      missing.reduce((sum, { lo, hi }) => sum + hi - lo, 0),
    );
  }

  change(each: Step): void {
    if (each.op === "read") return;
    const before = this.store.revision;
    if (each.op === "uncover") {
      this.model.uncover(each.range);
      this.store.uncover(each.range);
    } else {
      const scales = { ...SCALES, priceScale: SCALES.priceScale + each.finer };
      const minutes = minuteTrades(each.range, each.seed, scales);
      // A sealed minute is never opened again.
      if (each.op === "open") for (const minute of this.model.sealed.keys()) minutes.delete(minute);
      const contributions = contributionsOf(minutes.values(), { scales, binUnits: BIN_UNITS });
      if (each.op === "commit") {
        this.model.commit(minutes);
        this.store.commit(each.range, contributions);
      } else {
        // An open minute without trades is not known of at all.
        if (each.op === "open")
          for (const [minute, { trades }] of minutes) if (trades.length === 0) minutes.delete(minute);
        this.model.live(minutes, each.op);
        this.store.putLive(contributions, each.op === "sealed" ? each.range : undefined);
      }
    }
    expect(this.store.revision).toBeGreaterThan(before);
    expect(this.store.covered.ranges).toEqual(this.model.covered.ranges);
  }
}

function plain({ profile, ...sums }: WindowFold) {
  const { bins, volumes, buyVolumes } = profile.rows();
  return { ...sums, rows: Array.from(bins, (bin, i) => [bin, volumes[i], buyVolumes[i]]) };
}

test("SeriesStore, any history folds to what its minutes fold to from scratch", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const bench = new Bench();
      // Every day holds something, so that not all of them fit.
      for (let day = FIRST_DAY; day < FIRST_DAY + DAYS; day++) {
        const lo = day * MINUTES_PER_DAY + 5;
        bench.change({ op: "commit", range: { lo, hi: lo + 5 }, seed: day, finer: 0 });
      }
      for (const each of steps) await bench.run(each);
      await bench.run({ op: "read", range: ALL, racing: undefined });
    }),
    { numRuns: 60 },
  );
}, 30_000);
