/**
 * Loading a finished day: its profile file beside its trade files, and beside a fold in memory. `bun scripts/bench/profile-cache.ts
 * [trades…]`, default 100000 1000000.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  foldMinutes,
  foldWindow,
  type MinuteRange,
  type TradeBatch,
  TradeBatchBuilder,
} from "../../src/core/mod.ts";
import { createTape, ProfileCache } from "../../src/tape/mod.ts";
import { percentile } from "./percentile.ts";

const DAY_LO = Date.UTC(2026, 0, 2) / 60_000;
const RANGE: MinuteRange = { lo: DAY_LO, hi: DAY_LO + 1_440 };
const SCALES = { priceScale: 2, sizeScale: 5 };
const BIN_UNITS = 10;
const SERIES = { venue: "bench", market: "spot", symbol: "BTCUSDT" };
const SESSION = "2026-01-02";
const PROFILE_ROUNDS = 100;
const TAPE_ROUNDS = 3;

/** A random walk, reproducible. */
function day(length: number): TradeBatch {
  const builder = new TradeBatchBuilder("aggregate", SCALES, length);
  let seed = 12_345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  let units = 4_200_000;
  for (let i = 0; i < length; i++) {
    units += Math.floor((random() - 0.5) * 600);
    builder.push({
      id: i + 1,
      timeUs: DAY_LO * 60_000_000 + Math.floor((i * 86_400_000_000) / length),
      price: `${Math.floor(units / 100)}.${String(units % 100).padStart(2, "0")}`,
      size: (0.00001 + Math.floor(random() * 50_000) / 100_000).toFixed(5),
      firstId: i + 1,
      lastId: i + 1,
      buy: random() < 0.5,
    });
  }
  return builder.build();
}

async function times(rounds: number, work: () => Promise<unknown> | unknown): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await work();
    took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return took;
}

function report(name: string, took: readonly number[], baseline?: readonly number[]): void {
  const p50 = percentile(took, 50);
  const ratio =
    baseline === undefined
      ? ""
      : `  ${(percentile(baseline, 50) / p50).toFixed(0)}× as fast as the trade files`;
  console.log(
    `  ${name.padEnd(40)} p50 ${p50.toFixed(2).padStart(8)} ms  p99 ${percentile(took, 99).toFixed(2).padStart(8)} ms${ratio}`,
  );
}

async function bench(length: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "tapeline-bench-"));
  const tape = await createTape({ dir: join(dir, "tape") });
  const cache = new ProfileCache({ dir: join(dir, "cache"), nowMs: Date.now });
  try {
    const batch = day(length);
    const files = await tape.write({ series: SERIES, batch, range: RANGE, origin: "bench" });
    const request = { ranges: [RANGE], scales: SCALES, binUnits: BIN_UNITS };
    const fold = foldWindow(foldMinutes(batch, BIN_UNITS).minutes);
    const origin = { range: RANGE, digest: "bench", scales: SCALES, binUnits: BIN_UNITS };
    const key = { series: SERIES, session: SESSION };
    const save = await times(TAPE_ROUNDS, () => cache.save(key, { ...origin, coverage: [RANGE], fold }));
    const fromTape = await times(TAPE_ROUNDS, async () => {
      const { minutes } = await tape.contributions(files, request);
      if (foldWindow(minutes).volume !== fold.volume)
        throw new Error("the trade files fold to something else");
    });
    const fromProfile = await times(PROFILE_ROUNDS, async () => {
      const read = await cache.read(key, origin);
      if (read.kind !== "found" || read.profile.fold.volume !== fold.volume)
        throw new Error(`the profile is ${read.kind}`);
    });
    const { bytes } = await cache.stats();
    console.log(
      `${length.toLocaleString("en")} trades, ${fold.profile.rows().bins.length.toLocaleString("en")} bins, a profile of ${(bytes / 1_000).toFixed(0)} kB`,
    );
    report("trade files: read and fold", fromTape);
    report("profile: write, to the disk", save);
    report("profile: read", fromProfile, fromTape);
  } finally {
    await tape.close();
    await rm(dir, { recursive: true, force: true });
  }
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length === 0 ? [100_000, 1_000_000] : sizes) await bench(size);
