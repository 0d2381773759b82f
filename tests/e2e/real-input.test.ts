import { afterAll, describe, expect } from "bun:test";
import { formatDay, MS_PER_DAY, VALUE_AREA_METHODS } from "../../src/core/mod.ts";
import { type FileTrade, type Reckoning, readFileTrades, reckon } from "../support/csv-day.ts";
import { allFiles, plainQuery } from "../support/parquet.ts";
import { environment, Workbench } from "../support/processes.ts";
import { testWithData } from "../support/shared-data.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** A whole day of Binance's aggregate trades, as recorded, from the exchange to the answers of the HTTP interface. */
const FILE = "derived/XRPETH-aggTrades-2019-10-11.csv";
const DAY = "2019-10-11";
const FILE_DAY_MS = Date.parse(DAY);
const TRADES = 5_929;
/** Bin sizes in 10^-8; what `auto` comes to at this price is one tick. */
const BINS = { auto: 1n, "0.000001": 100n } as const;
const TIMEOUT_MS = 300_000;

const bench = new Workbench();
afterAll(() => bench.close(), TIMEOUT_MS);

/** Every level of both interfaces, in every method, equals the from-scratch computation. */
async function expectLevels(
  api: TapelineApi,
  session: string,
  trades: readonly FileTrade[],
  bins: readonly (readonly [query: string | undefined, units: bigint])[],
): Promise<void> {
  for (const [binSize, units] of bins) {
    const expected = reckon(trades, units);
    for (const method of VALUE_AREA_METHODS) {
      const query = { value_area: method, ...(binSize === undefined ? {} : { bin_size: binSize }) };
      const set = await api.levels("XRPETH", { ...query, session });
      const { VWAP, POC, VAH, VAL, HIGH, LOW, CD } = set.levels;
      expect([set.trade_count, set.volume, VWAP, POC, VAH, VAL, HIGH, LOW, CD].map(Number)).toEqual(
        inOrder(expected, method),
      );
      expect(set.value_area.method).toBe(method);
      const to = formatDay(Date.parse(session) / MS_PER_DAY + 1);
      const profile = await api.profile("XRPETH", { ...query, from: session, to: `${to}T00:00:00Z` });
      const { trade_count, total_volume, vwap, poc, vah, val, high, low, delta } = profile;
      expect([trade_count, total_volume, vwap, poc, vah, val, high, low, delta].map(Number)).toEqual(
        inOrder(expected, method),
      );
    }
  }
}

/** Wire numbers have at most 15 significant digits, so a JSON number and its decimal text name the same value. */
function inOrder(
  { trades, volume, vwap, high, low, delta, areas }: Reckoning,
  method: keyof Reckoning["areas"],
) {
  const { poc, vah, val } = areas[method];
  return [trades, volume, vwap, poc, vah, val, high, low, delta].map(Number);
}

async function expectTape(tapeDir: string, trades: readonly FileTrade[]): Promise<void> {
  const [sums] = await plainQuery(
    `select count(*), count(distinct id), sum(size), min(id), max(id) from ${allFiles(tapeDir)}`,
  );
  const volume = reckon(trades, 1n).volume;
  const ids = trades.map(({ id }) => id);
  expect(sums?.map(Number)).toEqual([
    trades.length,
    trades.length,
    Number(volume),
    Math.min(...ids),
    Math.max(...ids),
  ]);
}

describe("a recorded day of XRPETH", () => {
  for (const [bin, units] of Object.entries(BINS))
    testWithData(
      [FILE],
      `bun run backfill alone, equals a from-scratch computation: bins ${bin}`,
      async ([path = ""]) => {
        const trades = readFileTrades(path);
        expect(trades.length).toBe(TRADES);
        const exchange = await bench.exchange(["--recorded", `XRPETH=${path}`]);
        const dataDir = await bench.folder();
        const env = environment(dataDir, exchange, {
          PROFILE_TICK_SIZE: bin === "auto" ? bin : `XRPETH=${bin}`,
          ...(bin === "auto" ? {} : { BACKFILL_CHUNK_MINUTES: "60" }),
          LOG_LEVEL: "warn",
        });
        const ran = await bench.run("backfill", ["XRPETH", "--from", DAY, "--to", DAY, "--json"], env);
        expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
        const lines = ran.stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
        const expected = reckon(trades, units);
        const { poc, vah, val } = expected.areas.ranked;
        expect(lines.find(({ type }) => type === "result")).toMatchObject({
          symbol: "binance:XRPETH",
          trade_count: TRADES,
          total_volume: Number(expected.volume),
          vwap: Number(expected.vwap),
          poc: Number(poc),
          vah: Number(vah),
          val: Number(val),
          high: Number(expected.high),
          low: Number(expected.low),
          delta: Number(expected.delta),
          precision: "PRECISE",
          coverage: { expected_minutes: 1_440, covered_minutes: 1_440, ratio: 1, missing: [] },
        });
        expect(lines.at(-1)).toMatchObject({
          type: "end",
          status: "complete",
          exit_code: 0,
          job: { total_records_fetched: TRADES, total_records_inserted: TRADES, chunks_failed: 0 },
        });
        await expectTape(`${dataDir}/tape`, trades);

        // A server that was not there then reads the same from the disk.
        const server = await bench.server({
          ...env,
          SYMBOLS: "XRPETH",
          CONTEXT_BACKFILL_ENABLED: "false",
          LOG_LEVEL: "info",
        });
        const api = new TapelineApi(server.url);
        await api.knows("XRPETH");
        const sizes: [string | undefined, bigint][] = [[undefined, units]];
        if (units === 1n) sizes.push(["0.000001", 100n]);
        await expectLevels(api, DAY, trades, sizes);
        server.kill("SIGTERM");
        expect(await server.ended()).toBe(0);
        exchange.kill("SIGKILL");
      },
      TIMEOUT_MS,
    );

  testWithData(
    [FILE],
    "bun run backfill beside a running server, equals a from-scratch computation",
    async ([path = ""]) => {
      const trades = readFileTrades(path);
      const exchange = await bench.exchange(["--recorded", `XRPETH=${path}`]);
      const dataDir = await bench.folder();
      const env = environment(dataDir, exchange, {
        SYMBOLS: "XRPETH",
        CONTEXT_BACKFILL_ENABLED: "false",
        BACKFILL_CHUNK_MINUTES: "60",
      });
      const server = await bench.server(env);
      const ran = await bench.run("backfill", ["XRPETH", "--from", DAY, "--to", DAY, "--json"], env);
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
      expect(ran.stdout).toContain(`"total_records_fetched":${TRADES}`);
      const api = new TapelineApi(server.url);
      // Beside it may stand repairs of minutes that the live stream began in.
      const jobs = (await api.recent()).filter(({ total_records_fetched }) => total_records_fetched > 0);
      expect(jobs.map(({ status, total_records_fetched }) => [status, total_records_fetched])).toEqual([
        ["complete", TRADES],
      ]);
      await expectLevels(api, DAY, trades, [
        [undefined, 1n],
        ["0.000001", 100n],
      ]);
      await expectTape(`${dataDir}/tape`, trades);
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
      exchange.kill("SIGKILL");
    },
    TIMEOUT_MS,
  );

  for (const shift of ["yesterday", "today"] as const)
    testWithData(
      [FILE],
      `a start, backfills the day moved to ${shift} by itself`,
      async ([path = ""]) => {
        // Exchange and server stand at 18:30 UTC, so that today has both traded and coming minutes.
        const nowMs = Date.now();
        const dayMs = Math.floor(nowMs / MS_PER_DAY) * MS_PER_DAY;
        const offset = dayMs + 18.5 * 3_600_000 - nowMs;
        const exchange = await bench.exchange([
          "--recorded",
          `XRPETH=${path}:${shift}`,
          `--clock-offset=${offset}`,
          "--weight-limit",
          "100000",
        ]);
        const dataDir = await bench.folder();
        const server = await bench.server(
          environment(dataDir, exchange, {
            SYMBOLS: "XRPETH",
            CLOCK_OFFSET_MS: `${offset}`,
            BACKFILL_CHUNK_MINUTES: "60",
          }),
        );
        const api = new TapelineApi(server.url);
        const shiftedMs = (shift === "today" ? dayMs : dayMs - MS_PER_DAY) - FILE_DAY_MS;
        const trades = readFileTrades(path).map((trade) => ({ ...trade, timeMs: trade.timeMs + shiftedMs }));
        await until("the start-up backfill", async () => {
          const health = await (await fetch(`${server.url}/health`)).json();
          return health.backfill_complete === true;
        });
        const [yesterday, today] = [dayMs - MS_PER_DAY, dayMs].map((ms) =>
          new Date(ms).toISOString().slice(0, 10),
        );
        if (shift === "yesterday") {
          await expectLevels(api, yesterday!, trades, [[undefined, 1n]]);
          const { levels, trade_count } = await api.levels("XRPETH");
          const whole = reckon(trades, 1n);
          const { poc, vah, val } = whole.areas.ranked;
          const { PDH, PDL, POCprev, VAHprev, VALprev, VWAPprev } = levels;
          expect([trade_count, PDH, PDL, POCprev, VAHprev, VALprev, VWAPprev].map(Number)).toEqual(
            [0, whole.high, whole.low, poc, vah, val, whole.vwap].map(Number),
          );
          await expectTape(`${dataDir}/tape`, trades);
        } else {
          // Minutes that had ended when the server started; later ones are the live stream's.
          const endMs = dayMs + 18 * 3_600_000;
          const seen = trades.filter(({ timeMs }) => timeMs < endMs);
          for (const method of VALUE_AREA_METHODS) {
            const profile = await api.profile("XRPETH", {
              from: today!,
              to: new Date(endMs).toISOString(),
              value_area: method,
            });
            const { trade_count, total_volume, vwap, poc, vah, val, high, low, delta } = profile;
            expect([trade_count, total_volume, vwap, poc, vah, val, high, low, delta].map(Number)).toEqual(
              inOrder(reckon(seen, 1n), method),
            );
            expect(profile.precision).toBe("PRECISE");
          }
        }
        server.kill("SIGTERM");
        expect(await server.ended()).toBe(0);
        exchange.kill("SIGKILL");
      },
      TIMEOUT_MS,
    );
});
