import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { Engine } from "../../src/app/engine.ts";
import { formatMinute, type MinuteRange, parseUnits } from "../../src/core/mod.ts";
import { type SimulatorServer, startSimulatorServer } from "../../src/runtime/mod.ts";
import {
  createGeneratedMarket,
  type FaultRuleInput,
  type MarketPreset,
  PRESETS,
  type SocketAction,
} from "../../src/simulator/mod.ts";
import { type AppInProcess, appInProcess } from "./app-in-process.ts";
import { environment, type Variables } from "./processes.ts";
import { ScaledClock } from "./scaled-clock.ts";
import { getJson, TapelineApi } from "./tapeline-api.ts";
import { seededRandom } from "./trades.ts";
import { until } from "./until.ts";

/** A market with a trade about every second, of which a minute may also be empty of none. */
const PRESET: MarketPreset = { ...PRESETS.demo, tradesPerDay: 80_000 };
export const WORLD_SYMBOL = "DEMOUSDT";

export interface WorldOptions {
  /** Where exchange and app stand at first, ms since the epoch. */
  readonly startMs: number;
  /** Seconds in one second. */
  readonly scale: number;
  readonly seed: number;
  readonly env?: Variables;
  readonly preset?: MarketPreset;
  /** How far the app's machine clock is off, ms. */
  readonly machineSkewMs?: number;
  readonly faults?: readonly FaultRuleInput[];
  /** Answers [0, 1) where the app wants chance. Default: from the seed. */
  readonly random?: () => number;
}

const TruthMinute = v.object({
  minute: v.number(),
  count: v.number(),
  volume: v.string(),
  buy_volume: v.string(),
  first_id: v.number(),
});
const Truth = v.object({ minutes: v.array(TruthMinute) });

/** What a minute holds: count, volume, aggressor-buy volume; a minute without trades is absent. */
export type MinuteSums = ReadonlyMap<number, readonly [count: number, volume: number, buyVolume: number]>;

/** A simulated exchange and the app that follows it, in one process, on one clock that runs faster than the machine's. */
export class ScaledWorld {
  readonly clock: ScaledClock;
  readonly exchange: SimulatorServer;
  readonly dataDir: string;
  readonly #options: WorldOptions;
  #running: AppInProcess | undefined;

  private constructor(options: WorldOptions, dataDir: string) {
    this.#options = options;
    this.dataDir = dataDir;
    this.clock = new ScaledClock(options.startMs, options.scale);
    this.exchange = startSimulatorServer({
      markets: [
        createGeneratedMarket({ symbol: WORLD_SYMBOL, preset: options.preset ?? PRESET, seed: options.seed }),
      ],
      clock: () => this.clock.nowMs(),
      timers: this.clock.exchangeTimers(),
      seed: options.seed,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
  }

  /** Starts the exchange; time stands still until the app has started. */
  static async open(options: WorldOptions): Promise<ScaledWorld> {
    return new ScaledWorld(options, await mkdtemp(join(tmpdir(), "tapeline-e2e-")));
  }

  /** Starts the app, and time with it. */
  async startApp(): Promise<AppInProcess> {
    const { env = {}, seed, machineSkewMs = 0, random = seededRandom(seed) } = this.#options;
    this.#running = await appInProcess(
      environment(this.dataDir, this.exchange, {
        SYMBOLS: WORLD_SYMBOL,
        CONTEXT_BACKFILL_ENABLED: "false",
        CLOCK_OFFSET_MS: `${machineSkewMs}`,
        ...env,
      }),
      { follow: true, host: this.clock.process(random) },
    );
    this.clock.start();
    return this.#running;
  }

  get running(): AppInProcess {
    if (this.#running === undefined) throw new Error("the app of this world has not been started");
    return this.#running;
  }

  get engine(): Engine {
    const engine = this.running.app.engine();
    if (engine === undefined) throw new Error("the engine is not open");
    return engine;
  }

  get api(): TapelineApi {
    return new TapelineApi(this.running.app.url);
  }

  fault(rule: FaultRuleInput): number {
    return this.exchange.exchange.faults.add(rule);
  }

  act(action: SocketAction): number {
    return this.exchange.exchange.streams.act(action, WORLD_SYMBOL);
  }

  /** What the exchange says that each minute held. */
  async truth({ lo, hi }: MinuteRange): Promise<MinuteSums> {
    const minutes = await this.#truthOf({ lo, hi });
    const units = (text: string) => parseUnits(text, PRESET.scales.sizeScale);
    return new Map(
      minutes.map(({ minute, count, volume, buy_volume }) => [
        minute,
        [count, units(volume), units(buy_volume)],
      ]),
    );
  }

  /** The id of the first trade of a range. */
  async firstId({ lo, hi }: MinuteRange): Promise<number> {
    const [first] = await this.#truthOf({ lo, hi });
    if (first === undefined) throw new Error("nothing was traded");
    return first.first_id;
  }

  /** What the store holds of each minute. */
  stored({ lo, hi }: MinuteRange): MinuteSums {
    const series = this.engine.store.bySymbol(`binance:${WORLD_SYMBOL}`);
    if (series === undefined) throw new Error(`${WORLD_SYMBOL} is not open`);
    const sums = new Map<number, readonly [number, number, number]>();
    for (let minute = lo; minute < hi; minute++) {
      const { count, volume, buyVolume } = series.window({ lo: minute, hi: minute + 1 }).fold;
      if (count > 0) sums.set(minute, [count, Number(volume), Number(buyVolume)]);
    }
    return sums;
  }

  async #truthOf({ lo, hi }: MinuteRange) {
    const query = `symbol=${WORLD_SYMBOL}&from=${lo * 60_000}&to=${hi * 60_000}`;
    return (await getJson(`${this.exchange.restUrl}/sim/truth?${query}`, Truth)).minutes;
  }

  /** Waits until every minute of a range is covered. */
  covered(range: MinuteRange, timeoutMs: number): Promise<unknown> {
    const missing = () =>
      this.engine.store.bySymbol(`binance:${WORLD_SYMBOL}`)?.covered.missing(range) ?? [range];
    return until("every minute to be covered", () => missing().length === 0, timeoutMs).catch((thrown) => {
      const gaps = missing().map(({ lo, hi }) => `${formatMinute(lo)} to ${formatMinute(hi)}`);
      throw new Error(`${thrown instanceof Error ? thrown.message : thrown}; missing: ${gaps.join(", ")}`);
    });
  }

  /** Closes everything in reverse order; safe to call twice. */
  async close(): Promise<void> {
    await this.#running?.app.close();
    await this.exchange.stop();
    this.clock.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
