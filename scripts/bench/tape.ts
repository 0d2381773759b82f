/**
 * Speed of the tape: write, load and aggregate generated days, each beside a baseline of the same run, with the delay
 * of the event loop meanwhile. `bun scripts/bench/tape.ts [trades…]`, default 100000 1000000.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { foldMinutes, type MinuteRange, type TradeBatch, TradeBatchBuilder } from "../../src/core/mod.ts";
import { createTape } from "../../src/tape/mod.ts";
import { WALK_SCALES, walkedDay } from "./walked-day.ts";

const DAY_LO = Date.UTC(2026, 0, 2) / 60_000;
const RANGE: MinuteRange = { lo: DAY_LO, hi: DAY_LO + 1_440 };
const BIN_UNITS = 10;
const ROUNDS = 3;

interface Measure {
  readonly ms: number;
  readonly p99: number;
  readonly max: number;
  /** Resident memory at its end, bytes. */
  readonly rss: number;
}

/** The best of some rounds, with the worst delay of a 1 ms timer over all of them. */
async function measure(work: () => Promise<unknown>, rounds = ROUNDS): Promise<Measure> {
  const delays: number[] = [];
  let best = Number.POSITIVE_INFINITY;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    delays.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await work();
    best = Math.min(best, performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  clearInterval(timer);
  delays.sort((a, b) => a - b);
  return {
    ms: best,
    p99: delays[Math.floor(delays.length * 0.99)] ?? 0,
    max: delays.at(-1) ?? 0,
    rss: process.memoryUsage().rss,
  };
}

function report(name: string, found: Measure, baseline?: Measure): void {
  const ratio =
    baseline === undefined ? "" : `  ${(baseline.ms / found.ms).toFixed(1)}× the baseline's speed`;
  const rss = `${(found.rss / 2 ** 20).toFixed(0)} MiB`;
  console.log(
    `  ${name.padEnd(44)} ${found.ms.toFixed(1).padStart(8)} ms  loop p99 ${found.p99.toFixed(1).padStart(5)} max ${found.max.toFixed(1).padStart(6)} ms  rss ${rss}${ratio}`,
  );
}

async function bench(length: number): Promise<void> {
  console.log(`${length.toLocaleString("en")} trades`);
  const batch = walkedDay(DAY_LO, length);
  const dir = await mkdtemp(join(tmpdir(), "tapeline-bench-"));
  const tape = await createTape({ dir });
  const duckdb = await DuckDBInstance.create(":memory:", { memory_limit: "256MB", threads: "2" });
  const connection = await duckdb.connect();
  try {
    const request = {
      series: { venue: "bench", market: "spot", symbol: "BTCUSDT" },
      batch,
      range: RANGE,
      origin: "bench",
    };
    let files = await tape.write(request);
    const write = await measure(async () => {
      files = await tape.write(request);
    });
    const [file] = files;
    if (file === undefined) throw new Error("the bench wrote no file");
    const path = join(tape.dir, file.path);

    const load = await measure(async () => {
      let seen = 0;
      for await (const part of tape.trades(files, { ranges: [RANGE], scales: WALK_SCALES }))
        seen += part.length;
      if (seen !== length) throw new Error(`loaded ${seen} of ${length} trades`);
    });
    let bins = 0;
    const aggregate = await measure(async () => {
      const { minutes } = await tape.contributions(files, {
        ranges: [RANGE],
        scales: WALK_SCALES,
        binUnits: BIN_UNITS,
      });
      bins = minutes.reduce((sum, minute) => sum + minute.bins.length, 0);
    });
    const idle = await measure(() => new Promise((resolve) => setTimeout(resolve, 300)), 1);

    // Last: the garbage of the baselines would be counted against what comes after.
    const asRows = async (): Promise<TradeBatch> => {
      const result = await connection.run(
        `SELECT id, epoch_us(time), price::VARCHAR, size::VARCHAR, first_id, last_id, buy FROM '${path}'`,
      );
      const builder = new TradeBatchBuilder("aggregate", WALK_SCALES, length);
      for (const [id, time, price, size, first, last, buy] of await result.getRows())
        builder.push({
          id: Number(id),
          timeUs: Number(time),
          price: String(price),
          size: String(size),
          firstId: Number(first),
          lastId: Number(last),
          buy: buy === true,
        });
      return builder.build();
    };
    const lines = Array.from({ length }, (_, i) =>
      JSON.stringify([batch.id[i], batch.timeUs[i], batch.price[i], batch.size[i], batch.buy[i]]),
    ).join("\n");

    const rowwise = await measure(asRows, 1);
    const rowwiseFold = await measure(async () => foldMinutes(await asRows(), BIN_UNITS), 1);
    const json = await measure(async () => {
      const out = new Float64Array(length);
      let i = 0;
      for (const line of lines.split("\n")) out[i++] = Number(JSON.parse(line)[0]);
    }, 1);
    console.log(
      `  file ${(file.bytes / 2 ** 20).toFixed(1)} MiB, ${bins.toLocaleString("en")} bins of minutes`,
    );
    report("(idle)", idle);
    report("write: sorted batch → file on disk", write);
    report("baseline: row-wise read through getRows", rowwise);
    report("baseline: JSON lines parse, from memory", json);
    report("load trades (to row-wise)", load, rowwise);
    report("load trades (to JSON lines)", load, json);
    report("baseline: row-wise read and fold", rowwiseFold);
    report("contributions", aggregate, rowwiseFold);
  } finally {
    connection.closeSync();
    duckdb.closeSync();
    await tape.close();
    await rm(dir, { recursive: true, force: true });
  }
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length === 0 ? [100_000, 1_000_000] : sizes) await bench(size);
