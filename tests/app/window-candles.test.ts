import { afterAll, expect, test } from "bun:test";
import { WireComparison, WirePeriods, WireProfileSummary } from "../../src/protocol/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { getJson, TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";
import { AREA_LEVELS, expectTrueWindow, TOLD_LEVELS } from "./window-truth.ts";

const TEST_TIMEOUT_MS = 240_000;
const DAY = "2024-03-02";
/** Half of the day has trades. */
const LOADED = ["2024-03-02T06:00:00Z", "2024-03-02T18:00:00Z"] as const;
const bench = new AppBench();
afterAll(() => bench.close(), 60_000);

test(
  "windows, what candles prove of a day whose trades are missing is proven again after a restart with the venue down, and comes true",
  async () => {
    const market = createGeneratedMarket({
      symbol: "THINUSDT",
      preset: { ...PRESETS.thin, tradesPerDay: 4_000 },
    });
    const exchange = bench.openExchange({ markets: [market] });
    const env = environment(await bench.folder(), exchange, { SYMBOLS: "THINUSDT" });
    const start = async () => {
      const started = await bench.openApp(env, { follow: false });
      return { ...started, api: new TapelineApi(started.app.url) };
    };
    const first = await start();
    const job = await first.api.ended(await first.api.backfill("THINUSDT", ...LOADED), TEST_TIMEOUT_MS);
    expect(job.status).toBe("complete");
    const told = await until("the candles to be there", async () => {
      const answers = await answersOf(first.app.url);
      return answers.day.certainty.vwap === "exact" ? answers : undefined;
    });
    expect(told.day).toMatchObject({ whole: false, coverage: { covered_minutes: 720 } });
    for (const window of told.windows) {
      for (const name of TOLD_LEVELS) expect([name, window.certainty[name]]).toEqual([name, "exact"]);
      for (const name of AREA_LEVELS)
        expect(["exact", "certain", "bounded"]).toContain(window.certainty[name] ?? "none");
    }
    expect(told.windows.some(({ certainty }) => certainty.poc === "bounded")).toBe(true);
    await first.app.close();

    // The venue answers nothing any more: what is known is known out of the database.
    const down = exchange.exchange.faults.add({ kind: "http_error", status: 503 });
    const second = await start();
    const again = await until("the kept candles to be there", async () => {
      const answers = await answersOf(second.app.url);
      return answers.day.certainty.vwap === "exact" ? answers : undefined;
    });
    expect(again).toEqual(told);
    exchange.exchange.faults.remove(down);
    await second.app.close();

    const third = await start();
    await third.api.ended(await third.api.backfill("THINUSDT", DAY, DAY), TEST_TIMEOUT_MS);
    const final = await answersOf(third.app.url);
    expect(final.day).toMatchObject({ whole: true, coverage: { covered_minutes: 1_440 } });
    for (const [at, window] of told.windows.entries())
      expectTrueWindow(window, final.windows[at]!, `window ${at}`);
    expect([...first.fatal, ...second.fatal, ...third.fatal]).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);

/** Everything but when it was asked and at which revision. */
async function answersOf(url: string) {
  const at = `${url}/api/v1`;
  const bins = "bin_size=0.000001";
  const day = await getJson(
    `${at}/profile/THINUSDT?from=${DAY}&to=${DAY}&bins=false&${bins}`,
    WireProfileSummary,
  );
  const { profiles } = await getJson(
    `${at}/profiles/THINUSDT?period=4h&from=${DAY}&to=${DAY}&${bins}`,
    WirePeriods,
  );
  const halves =
    "a_from=2024-03-02T00:00:00Z&a_to=2024-03-02T09:00:00Z&b_from=2024-03-02T12:00:00Z&b_to=2024-03-02T23:00:00Z";
  const { a, b } = await getJson(`${at}/compare/THINUSDT?${halves}&${bins}`, WireComparison);
  const same = { as_of: "", revision: 0 };
  return { day: { ...day, ...same }, windows: [{ ...day, ...same }, ...profiles, a, b] };
}
