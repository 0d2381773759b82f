import { expect, test } from "bun:test";
import type { ChunkLease, ClaimOptions } from "../../src/backfill/store/types.ts";
import { Exchange } from "./support/exchange.ts";
import { MemoryJobStore } from "./support/memory-job-store.ts";
import type { Tally } from "./support/monitor.ts";
import { type RunOptions, type RunResult, simulate } from "./support/run.ts";

/** Seeds of a run of the whole suite: about 10 s. `SIMULATION_SEEDS=50000` runs more of them. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 2_000);
/** `SIMULATION_SEED=n` runs that seed alone and tells everything that happens in it. */
const REPLAYED = process.env["SIMULATION_SEED"];
/** So that a failing part is found before the others have run, each has a test of its own. */
const PARTS = 4;
/** A loaded machine takes many times as long as ours; a million seeds take an hour. */
const TIMEOUT_MS = 120_000 + SEEDS * 60;
/** Failing seeds that are told of at once. */
const TOLD_MAX = 5;

const exchange = new Exchange();

function runSeeds(seeds: readonly number[], options: RunOptions = {}): RunResult[] {
  return seeds.map((seed) => simulate(seed, { exchange, ...options }));
}

function seedsBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}

/** What is wrong, and how to see it again. */
function failuresOf(results: readonly RunResult[]): string {
  const failing = results.filter(({ violations }) => violations.length > 0);
  return failing
    .slice(0, TOLD_MAX)
    .map(({ seed, violations }) => {
      const [first, ...others] = violations;
      const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
      return `seed ${seed}: ${first}${more}\n  SIMULATION_SEED=${seed} bun test tests/simulation/engine.test.ts`;
    })
    .join("\n");
}

function tallyOf(results: readonly RunResult[]): Tally {
  const sum = { ...results[0]!.tally };
  for (const { tally } of results.slice(1))
    for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += tally[key];
  return sum;
}

if (REPLAYED !== undefined)
  test(`the engine keeps its promises in seed ${REPLAYED}`, () => {
    const result = simulate(Number(REPLAYED), { exchange, trace: (line) => console.log(line) });
    expect(result.violations).toEqual([]);
  });
else
  for (let part = 0; part < PARTS; part++) {
    const from = 1 + Math.floor((part * SEEDS) / PARTS);
    const to = 1 + Math.floor(((part + 1) * SEEDS) / PARTS);
    test(
      `the engine keeps its promises in seeds ${from} to ${to - 1}`,
      () => {
        const results = runSeeds(seedsBetween(from, to));
        expect(failuresOf(results)).toBe("");
        // A run in which nothing goes wrong proves nothing.
        const tally = tallyOf(results);
        for (const [what, count] of Object.entries(tally))
          if (what !== "givenUp") expect([what, count > 0]).toEqual([what, true]);
      },
      TIMEOUT_MS,
    );
  }

test("simulate() is a function of its seed", () => {
  const told = (seed: number) => {
    const lines: string[] = [];
    const { violations, steps } = simulate(seed, { trace: (line) => lines.push(line) });
    return { lines, violations, steps };
  };
  for (const seed of [7, 8, 9]) {
    const first = told(seed);
    expect(first.lines.length).toBeGreaterThan(10);
    expect(told(seed)).toEqual(first);
  }
  expect(told(7).lines).not.toEqual(told(8).lines);
});

/** Lets whoever has claimed a chunk once write for it. */
class WithoutFence extends MemoryJobStore {
  protected override held({ chunkId }: ChunkLease) {
    const chunk = this.tables.chunks.get(chunkId);
    return chunk?.status === "leased" ? chunk : undefined;
  }
}

/** Leaves the chunks of the dead to them. */
class WithoutReaper extends MemoryJobStore {
  override reapExpired = async () => ({ requeued: 0, failed: 0, jobs: [], events: [] });
}

/** Ends leases long before their holders believe it. */
class WithShortLeases extends MemoryJobStore {
  override claim({ owner, leaseMs }: ClaimOptions) {
    return super.claim({ owner, leaseMs: leaseMs / 2 });
  }
  override heartbeat(lease: ChunkLease, leaseMs: number) {
    return super.heartbeat(lease, leaseMs / 2);
  }
}

/** Does not tell what became of a chunk. */
class WithoutReadBack extends MemoryJobStore {
  override readChunk = async () => undefined;
}

/** Takes the minutes of a commit and forgets to count its chunk. */
class WithoutCounters extends MemoryJobStore {
  override async commit(...args: Parameters<MemoryJobStore["commit"]>) {
    const outcome = await super.commit(...args);
    if (outcome.kind === "committed") this.tables.job(outcome.job.id).recordsFetched -= 1;
    return outcome;
  }
}

for (const Broken of [WithoutFence, WithoutReaper, WithShortLeases, WithoutReadBack, WithoutCounters])
  test(
    `simulate() finds out about a job store ${Broken.name}`,
    () => {
      const database: RunOptions["database"] = (nowMs, isLocked) => new Broken(nowMs, isLocked);
      const found = seedsBetween(1, 2_001).find(
        (seed) => simulate(seed, { exchange, database }).violations.length > 0,
      );
      expect(found).toBeDefined();
    },
    TIMEOUT_MS,
  );
