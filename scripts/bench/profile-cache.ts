/**
 * Loading a finished day: its profile file beside its trade files, and beside a fold in memory. `bun scripts/bench/profile-cache.ts
 * [trades…]`, default 100000 1000000.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldMinutes, foldWindow, type MinuteRange } from "../../src/core/mod.ts";
import { createTape, ProfileCache } from "../../src/tape/mod.ts";
import { percentile } from "./percentile.ts";
import { WALK_SCALES, walkedDay } from "./walked-day.ts";

const DAY_LO = Date.UTC(2026, 0, 2) / 60_000;
const RANGE: MinuteRange = { lo: DAY_LO, hi: DAY_LO + 1_440 };
const BIN_UNITS = 10;
const SERIES = { venue: "bench", market: "spot", symbol: "BTCUSDT" };
const SESSION = "2026-01-02";
const PROFILE_ROUNDS = 100;
const TAPE_ROUNDS = 3;

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
    const batch = walkedDay(DAY_LO, length);
    const files = await tape.write({ series: SERIES, batch, range: RANGE, origin: "bench" });
    const request = { ranges: [RANGE], scales: WALK_SCALES, binUnits: BIN_UNITS };
    const fold = foldWindow(foldMinutes(batch, BIN_UNITS).minutes);
    const origin = { range: RANGE, digest: "bench", scales: WALK_SCALES, binUnits: BIN_UNITS };
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
