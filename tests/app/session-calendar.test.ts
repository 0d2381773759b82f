import { afterAll, expect, test } from "bun:test";
import { waitForBackfill } from "../../src/client/mod.ts";
import { ReadyAnswer } from "../../src/protocol/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { getJson, TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** The very first start on a machine makes the database's template. */
const TIMEOUT_MS = 120_000;
const WAIT_MS = 90_000;
const SYMBOL = "THINUSDT";
/** A Saturday. */
const NOW = Date.parse("2026-01-03T12:00:10Z");

const bench = new AppBench();
afterAll(() => bench.close(), TIMEOUT_MS);

test(
  "SESSION, on a Saturday Friday's session stands, its minutes and Thursday's are fetched, and the night is not",
  async () => {
    const offsetMs = NOW - Date.now();
    const exchange = bench.openExchange({
      markets: [createGeneratedMarket({ symbol: SYMBOL, preset: PRESETS.thin })],
      clockOffsetMs: offsetMs,
    });
    const env = environment(await bench.folder(), exchange, {
      SYMBOLS: SYMBOL,
      SESSION: "09:30-16:00 America/New_York mon-fri",
      BACKFILL_CHUNK_MINUTES: "30",
      CLOCK_OFFSET_MS: String(offsetMs),
    });
    const { app, fatal, log } = await bench.openApp(env, { follow: true });
    await waitForBackfill({ url: app.url, timeoutMs: WAIT_MS });

    const ready = await until("the sessions to be whole", async () => {
      const now = await getJson(`${app.url}/ready`, ReadyAnswer);
      return now.trading_enabled && now.metrics_precision === "PRECISE" && now;
    });
    expect(ready).toMatchObject({
      session: "2026-01-02",
      session_open: false,
      session_from: "2026-01-02T14:30:00.000Z",
      session_to: "2026-01-02T21:00:00.000Z",
    });
    const set = await new TapelineApi(app.url).levels(SYMBOL);
    expect(set).toMatchObject({
      session: "2026-01-02",
      precision: "PRECISE",
      coverage: { expected_minutes: 390, covered_minutes: 390, missing: [] },
    });
    for (const name of ["POC", "ORH", "IBL", "PDH", "POCprev"] as const)
      expect([name, set.levels[name] === null, set.certainty[name]]).toEqual([name, false, "exact"]);

    const series = app.engine()?.store.bySymbol(`binance:${SYMBOL}`);
    const minute = (text: string) => Date.parse(text) / 60_000;
    const night = { lo: minute("2026-01-01T21:00:00Z"), hi: minute("2026-01-02T14:30:00Z") };
    expect(series?.covered.within(night).ranges).toEqual([]);

    const refused = await fetch(`${app.url}/api/v1/levels/${SYMBOL}?session=2026-01-03`);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { detail: expect.stringContaining("such as 2026-01-02 or 2026-01-05, got") },
    ]);
    await until("both profiles, Friday's and none of Saturday", () =>
      log.some(({ message }) => message === "profile of session 2026-01-02 saved"),
    );
    expect(fatal).toEqual([]);
  },
  TIMEOUT_MS,
);
