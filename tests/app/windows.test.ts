import { afterAll, expect, test } from "bun:test";
import {
  WireComparison,
  WireNakedPocs,
  WirePeriods,
  WireProfile,
  WireProfileSummary,
} from "../../src/protocol/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { getJson, TapelineApi } from "../support/tapeline-api.ts";

const TEST_TIMEOUT_MS = 120_000;
const bench = new AppBench();
afterAll(() => bench.close(), 60_000);

test(
  "windows, out of what a backfill committed and out of the tape after a restart: the same answers",
  async () => {
    const market = createGeneratedMarket({
      symbol: "THINUSDT",
      preset: { ...PRESETS.thin, tradesPerDay: 400 },
    });
    const exchange = bench.openExchange({ markets: [market] });
    const env = environment(await bench.folder(), exchange, { SYMBOLS: "THINUSDT" });
    const first = await bench.openApp(env, { follow: false });
    const api = new TapelineApi(first.app.url);
    const job = await api.ended(await api.backfill("THINUSDT", "2024-03-01", "2024-03-03"), TEST_TIMEOUT_MS);
    expect(job.status).toBe("complete");
    const before = await answersOf(first.app.url);
    await first.app.close();

    const second = await bench.openApp(env, { follow: false });
    await new TapelineApi(second.app.url).knows("THINUSDT");
    expect(await answersOf(second.app.url)).toEqual(before);
    expect(second.fatal).toEqual([]);

    const { year, days, hours, profile, composite, comparison } = before;
    expect(year).toMatchObject({ whole: false, trade_count: profile.trade_count });
    expect(profile).toMatchObject({
      whole: true,
      coverage: { expected_minutes: 4_320, covered_minutes: 4_320 },
    });
    expect(days.profiles).toHaveLength(3);
    expect(hours.profiles).toHaveLength(24);
    expect(days.profiles.reduce((sum, of) => sum + of.trade_count, 0)).toBe(profile.trade_count);
    expect(hours.profiles.reduce((sum, of) => sum + of.trade_count, 0)).toBe(
      days.profiles[1]?.trade_count ?? 0,
    );
    expect(composite.bins).toEqual(profile.bins);
    expect(comparison).toMatchObject({
      a: { poc: days.profiles[0]?.poc },
      b: { poc: days.profiles[2]?.poc },
    });
  },
  TEST_TIMEOUT_MS,
);

/** Everything but when it was asked and at which revision. */
async function answersOf(url: string) {
  const at = `${url}/api/v1`;
  const same = { as_of: "", revision: 0 };
  const range = "from=2024-03-01&to=2024-03-03";
  return {
    year: {
      ...(await getJson(
        `${at}/profile/THINUSDT?from=2023-04-01&to=2024-03-20&bins=false`,
        WireProfileSummary,
      )),
      ...same,
    },
    profile: { ...(await getJson(`${at}/profile/THINUSDT?${range}`, WireProfile)), ...same },
    days: { ...(await getJson(`${at}/profiles/THINUSDT?period=1d&${range}`, WirePeriods)), ...same },
    hours: {
      ...(await getJson(`${at}/profiles/THINUSDT?period=1h&from=2024-03-02&to=2024-03-02`, WirePeriods)),
      ...same,
    },
    comparison: {
      ...(await getJson(`${at}/compare/THINUSDT?a=2024-03-01&b=2024-03-03`, WireComparison)),
      ...same,
    },
    composite: {
      ...(await getJson(`${at}/composite/THINUSDT?sessions=2024-03-01,2024-03-02,2024-03-03`, WireProfile)),
      ...same,
    },
    naked: { ...(await getJson(`${at}/naked-pocs/THINUSDT?sessions=20`, WireNakedPocs)), ...same },
  };
}
