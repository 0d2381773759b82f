import { afterAll, expect, test } from "bun:test";
import { Coverage, formatMinute, type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import { PRESETS } from "../../src/simulator/mod.ts";
import { ScaledWorld, WORLD_SYMBOL } from "../support/scaled-world.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 120_000;
const NOW = Date.parse("2026-01-02T05:00:10Z");
const MORNING = minuteOfMs(Date.parse("2026-01-01T10:00:00Z"));
const YESTERDAY: MinuteRange = { lo: MORNING - 600, hi: MORNING + 840 };
/** Units too many: a price above all others, and a size that makes its bin the heaviest of the day. */
const PRICE_TOO_HIGH = 1_000_000;
const SIZE_TOO_LARGE = 1_000_000_000;

const worlds: ScaledWorld[] = [];
afterAll(async () => {
  for (const world of worlds.splice(0)) await world.close();
}, TIMEOUT_MS);

async function fetched(world: ScaledWorld, { lo, hi }: MinuteRange, force = false): Promise<void> {
  const job = await world.api.backfill(WORLD_SYMBOL, formatMinute(lo), formatMinute(hi), force);
  expect((await world.api.ended(job)).status).toBe("complete");
}

test(
  "a corrected minute of yesterday changes every level that follows from it in one revision, and nothing is counted twice",
  async () => {
    const world = await ScaledWorld.open({
      startMs: NOW,
      scale: 1,
      seed: 20_260_102,
      preset: { ...PRESETS.demo, tradesPerDay: 8_000 },
      env: { BACKFILL_CHUNK_MINUTES: "240" },
    });
    worlds.push(world);
    await world.startApp();
    await world.api.knows(WORLD_SYMBOL);
    const minute = MORNING + 45;
    const id = await world.firstId({ lo: minute, hi: minute + 1 });
    const wrong = { kind: "wrong_trade", target: "rest", from_id: id, to_id: id + 1 } as const;
    const faults = [
      world.fault({ ...wrong, field: "size", by: SIZE_TOO_LARGE }),
      // Each wrong value is of a trade of its own: the first rule that matches is the one that fires.
      world.fault({ ...wrong, from_id: id + 1, to_id: id + 2, field: "price", by: PRICE_TOO_HIGH }),
    ];
    await fetched(world, YESTERDAY);
    const series = world.engine.store.bySymbol(`binance:${WORLD_SYMBOL}`);
    if (series === undefined) throw new Error("the series is not open");
    const { levels } = world.engine;
    const today = levels.currentSession();
    const previous = () => {
      const { levels: values, revision } = levels.read(series, today);
      const { PDH, POCprev, VWAPprev } = values;
      return { revision, values: `${PDH?.units} ${POCprev?.units} ${VWAPprev?.units}` };
    };
    await levels.load(series, today);
    const before = previous();
    // Its own comparison has it fetched again, in vain: the venue tells the same.
    await until("the mismatch to be reported", () =>
      series.certainty.doubtsWithin(YESTERDAY, 1)[0]?.reason.includes("also after"),
    );
    expect(previous().values).toBe(before.values);

    for (const fault of faults) world.exchange.exchange.faults.remove(fault);
    const seen: string[] = [];
    const stop = world.engine.store.subscribe(() => {
      const now = previous().values;
      if (now !== seen.at(-1)) seen.push(now);
    });
    await fetched(world, { lo: minute, hi: minute + 1 }, true);
    await until("nothing to be doubted", () => series.certainty.doubtsWithin(YESTERDAY, 1).length === 0);
    stop();
    // Between what was wrong and what is right, nobody ever saw a mixture.
    const after = previous();
    expect(seen.filter((values) => values !== before.values)).toEqual([after.values]);
    const [wrongHigh, wrongPoc] = before.values.split(" ");
    const [high, poc] = after.values.split(" ");
    expect(Number(high)).toBeLessThan(Number(wrongHigh));
    expect(poc).not.toBe(wrongPoc!);

    // Memory, the past session and the tape say what the exchange says, each trade once.
    const truth = await world.truth(YESTERDAY);
    expect([...world.stored(YESTERDAY)]).toEqual([...truth]);
    const past = await world.api.levels(WORLD_SYMBOL, { session: "2026-01-01" });
    expect([past.trade_count, past.levels.HIGH]).toEqual([
      [...truth.values()].reduce((sum, [count]) => sum + count, 0),
      (await world.api.levels(WORLD_SYMBOL)).levels.PDH,
    ]);
    const taped = await world.engine.reader.read(series, Coverage.of([YESTERDAY]));
    expect(taped.minutes.map(({ minute, count, volume }) => [minute, count, volume])).toEqual(
      [...truth].map(([minute, [count, volume]]) => [minute, count, volume]),
    );
    const owners = await world.engine.jobs.segments(series.seriesId, { lo: minute, hi: minute + 1 });
    expect(owners).toHaveLength(1);
  },
  TIMEOUT_MS,
);
