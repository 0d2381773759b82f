import { afterAll, expect, test } from "bun:test";
import { openPostgres } from "../../db/mod.ts";
import type { Engine } from "../../src/app/engine.ts";
import { formatDecimal, type MinuteRange, minuteOfMs, type WindowCoverage } from "../../src/core/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import type { SeriesStore } from "../../src/store/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import type { AppInProcess } from "../support/app-in-process.ts";
import { postgresCluster } from "../support/postgres-cluster.ts";
import { environment } from "../support/processes.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 120_000;
const SYMBOL = "THINUSDT";
const SESSION = "2024-03-02";
const FROM = "2024-03-02T10:00:00Z";
const TO = "2024-03-02T14:00:00Z";
/** What is corrected lies within one chunk. */
const WRONG: MinuteRange = {
  lo: minuteOfMs(Date.parse("2024-03-02T11:40:00Z")),
  hi: minuteOfMs(Date.parse("2024-03-02T11:50:00Z")),
};
/** Units too many: a price above all others, and a size that makes its bin the heaviest of the day. */
const PRICE_TOO_HIGH = 1_000_000;
const SIZE_TOO_LARGE = 1_000_000_000;
/** What the gateway fetches, and then what it asks for in vain. */
const DECOY = ["2023-06-01T00:00:00Z", "2023-06-01T00:10:00Z", "2023-06-01T00:20:00Z"] as const;

const bench = new AppBench();
afterAll(() => bench.close(), TIMEOUT_MS);

function engineOf({ app }: AppInProcess): Engine {
  const engine = app.engine();
  if (engine === undefined) throw new Error("the engine is not open");
  return engine;
}

function seriesOf(of: AppInProcess): SeriesStore {
  const series = engineOf(of).store.bySymbol(`binance:${SYMBOL}`);
  if (series === undefined) throw new Error("the series is not open");
  return series;
}

/** An exchange of its own for a process, all of one market. */
function startExchange() {
  const market = createGeneratedMarket({
    symbol: SYMBOL,
    preset: { ...PRESETS.thin, tradesPerDay: 8_000 },
    seed: 7,
  });
  // Nothing but the correction may change the levels: without candles nothing is compared with them and fetched again.
  const faults = [{ kind: "malformed", body: "null", path: "/api/v3/klines" } as const];
  const exchange = bench.openExchange({ markets: [market], faults });
  return { exchange, market };
}

test(
  "a correction that another process commits, the gateway's level set follows in one revision, and nothing of the old one is left",
  async () => {
    const cluster = await postgresCluster();
    const admin = await openPostgres({ url: cluster.urlOf("postgres"), poolSize: 1 });
    bench.opened(() => admin.close());
    const name = `corrections_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.sql.unsafe(`create database ${name}`);
    const folder = await bench.folder();
    const shared = {
      SYMBOLS: SYMBOL,
      DATABASE_URL: cluster.urlOf(name),
      BACKFILL_CACHE_DIR: `${folder}/tape`,
      BACKFILL_PARALLEL: "1",
    };
    const start = async (of: ReturnType<typeof startExchange>) => {
      const started = await bench.openApp(environment(folder, of.exchange, shared), { follow: false });
      return { ...started, api: new TapelineApi(started.app.url) };
    };
    const [quiet, working] = [startExchange(), startExchange()];
    // The gateway's one place for a chunk is taken by one whose trades never come, so whatever else there is, the other process does it.
    const gateway = await start(quiet);
    await gateway.api.ended(await gateway.api.backfill(SYMBOL, DECOY[0], DECOY[1]));
    quiet.exchange.exchange.faults.add({ kind: "hang", path: "/api/v3/aggTrades" });
    await gateway.api.backfill(SYMBOL, DECOY[1], DECOY[2]);
    await until("the gateway to have its hands full", async () => {
      const { jobs } = engineOf(gateway);
      return (await jobs.unfinishedJobs()).some(({ leased }) => leased === 1);
    });
    const other = await start(working);

    const [first] = working.market.tradesOf(WRONG.lo).id;
    if (first === undefined) throw new Error("nothing was traded in the minute to correct");
    const wrong = { kind: "wrong_trade", target: "rest", from_id: first, to_id: first + 1 } as const;
    const { faults } = working.exchange.exchange;
    const rules = [
      faults.add({ ...wrong, field: "size", by: SIZE_TOO_LARGE }),
      faults.add({ ...wrong, from_id: first + 1, to_id: first + 2, field: "price", by: PRICE_TOO_HIGH }),
    ];
    expect((await other.api.ended(await other.api.backfill(SYMBOL, FROM, TO), TIMEOUT_MS)).status).toBe(
      "complete",
    );
    const series = seriesOf(gateway);
    const expected: MinuteRange = { lo: minuteOfMs(Date.parse(FROM)), hi: minuteOfMs(Date.parse(TO)) };
    await until("the gateway to have adopted it", () => series.covered.covers(expected));
    const { levels } = engineOf(gateway);
    const session = levels.sessionNamed(SESSION);
    if (session === undefined) throw new Error("a day has a session");
    const before = (await gateway.api.levels(SYMBOL, { session: SESSION })).levels;

    // All that the gateway ever has in memory, read the moment it is announced.
    const seen: {
      readonly shown: string;
      readonly revision: number;
      readonly missing: WindowCoverage["missing"];
    }[] = [];
    const note = () => {
      if (series.absentDays(session.range).length > 0) throw new Error("the day left memory");
      const set = levels.read(series, session);
      const shown = [set.levels.VWAP, set.levels.POC, set.levels.HIGH, set.levels.CD]
        .map((value) => value && formatDecimal(value))
        .join(" ");
      if (seen.at(-1)?.shown !== shown)
        seen.push({ shown, revision: set.revision, missing: set.coverage.missing });
    };
    note();
    const changes = series.changes.of(session.range);
    const stop = engineOf(gateway).store.subscribe(note);
    for (const rule of rules) faults.remove(rule);
    const forced = await other.api.backfill(
      SYMBOL,
      new Date(WRONG.lo * 60_000).toISOString(),
      new Date(WRONG.hi * 60_000).toISOString(),
      true,
    );
    expect((await other.api.ended(forced, TIMEOUT_MS)).status).toBe("complete");
    await until("the gateway's levels to follow", () => seen.length > 1);
    // Two looks of the relay later: whatever else it hears of this correction changes nothing any more.
    await Bun.sleep(2_500);
    stop();

    expect(seen).toHaveLength(2);
    expect(series.changes.of(session.range)).toBe(changes + 1);
    const [old, corrected] = seen;
    expect(corrected!.revision).toBeGreaterThan(old!.revision);
    // No minute was uncovered in between, nor afterwards.
    expect(corrected!.missing).toEqual(old!.missing);
    const after = (await gateway.api.levels(SYMBOL, { session: SESSION })).levels;
    for (const level of ["VWAP", "POC", "HIGH", "CD", "rangeToday"] as const)
      expect([level, after[level]]).not.toEqual([level, before[level]]);

    // Gateway, worker and the exchange agree, each trade once.
    expect((await other.api.levels(SYMBOL, { session: SESSION })).levels).toEqual(after);
    const { minutes } = await engineOf(gateway).reader.read(series, series.committedWithin(session.range));
    const count = minutes.reduce((sum, minute) => sum + minute.count, 0);
    let traded = 0;
    for (let minute = expected.lo; minute < expected.hi; minute++)
      traded += working.market.tradesOf(minute).length;
    expect(count).toBe(traded);
    expect(await engineOf(gateway).jobs.segments(series.seriesId, WRONG)).toHaveLength(1);
    expect([...gateway.fatal, ...other.fatal]).toEqual([]);
  },
  TIMEOUT_MS,
);
