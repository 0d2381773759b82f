import { afterEach, expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { type CalendarRules, type LevelSet, parseSessionHours } from "../../src/core/mod.ts";
import { settle } from "../support/fake-clock.ts";
import { madeTrades } from "../support/trades.ts";
import { until } from "../support/until.ts";
import { SessionBench } from "./session-bench.ts";

const benches: SessionBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

async function opened(now: string, rules?: CalendarRules): Promise<SessionBench> {
  const bench = await SessionBench.open(now, rules);
  benches.push(bench);
  return bench;
}

/** Trades of the session before now and of some minutes of the running one, all committed; without `hole`, whole. */
function fill(bench: SessionBench, seed = 1, hole = 0): void {
  const { previous, range } = bench.session;
  const today = { lo: range.lo, hi: range.lo + 10 };
  for (const [at, window] of [{ lo: previous.lo, hi: previous.hi - hole }, today].entries())
    bench.commit(
      window,
      madeTrades(seed + at, {
        count: 200,
        fromMs: window.lo * 60_000,
        toMs: window.hi * 60_000,
        firstId: 1 + at * 1_000,
      }),
    );
}

/** Everything but the revision, which counts what happened in one process. */
function told({ revision: _, ...set }: LevelSet) {
  return set;
}

async function saved(bench: SessionBench): Promise<void> {
  await until("the profile to be saved", async () => (await bench.profiles.stats()).files === 1);
  await settle();
}

test("SessionLoader.load(), the previous session is asked of the tape, then of the cache, then of the trade files", async () => {
  const bench = await opened("2026-01-03T00:10:00Z");
  fill(bench);
  const fresh = told(await bench.levels());
  expect(bench.steps).toEqual([]);

  await bench.restart();
  expect(told(await bench.levels())).toEqual(fresh);
  expect(bench.steps).toEqual([
    ["committed tape", 1_440],
    ["profile cache", 0],
    ["trade files", 1_440],
  ]);
  await saved(bench);

  await bench.restart();
  expect(told(await bench.levels())).toEqual(fresh);
  expect(bench.steps).toEqual([
    ["committed tape", 1_440],
    ["profile cache", 1_440],
  ]);
  expect(bench.reads).toEqual([{ lo: bench.session.range.lo, hi: bench.session.range.lo + 10 }]);
  const { certainty } = bench.levelsNow();
  expect([certainty.PDH, certainty.POCprev, certainty.VWAPprev]).toEqual(["exact", "exact", "exact"]);
});

test("SessionLoader.load(), a session with a hole is read from its trade files, and is an estimate", async () => {
  const bench = await opened("2026-01-03T00:10:00Z");
  fill(bench, 1, 30);
  await bench.restart();
  expect((await bench.levels()).certainty.PDH).toBe("estimate");
  expect(bench.steps).toEqual([
    ["committed tape", 1_410],
    ["trade files", 1_410],
  ]);
  await settle();
  expect((await bench.profiles.stats()).files).toBe(0);
});

test("SessionLoader.load(), a profile of other trades or a damaged one is not used, and is made anew", async () => {
  const bench = await opened("2026-01-03T00:10:00Z");
  fill(bench);
  await bench.restart();
  await bench.levels();
  await saved(bench);
  const file = join(bench.dir, "binance/spot/BTCUSDT/2026-01-02.profile");

  const { previous } = bench.session;
  const minute = { lo: previous.lo + 7, hi: previous.lo + 8 };
  const high = { id: 5_000, timeMs: minute.lo * 60_000, price: 99_999, size: 5, buy: true };
  const stale = await readFile(file);
  bench.commit(minute, [high], { elsewhere: true });
  await bench.restart();
  expect((await bench.levels()).levels.PDH?.units).toBe(99_999n);
  expect(bench.steps.at(-1)).toEqual(["trade files", 1_440]);
  expect(bench.log.map(({ message }) => message).join()).toContain(
    "the tape holds other trades of it by now",
  );
  await until("the profile to be made anew", async () => !(await readFile(file)).equals(stale));
  await settle();

  await writeFile(file, "damaged");
  await bench.restart();
  expect((await bench.levels()).levels.PDH?.units).toBe(99_999n);
  expect(bench.log.map(({ message }) => message).join()).toContain("it is no profile file");
});

test("SessionLoader.load(), a correction that comes while the profile is read is not lost", async () => {
  const bench = await opened("2026-01-03T00:10:00Z");
  fill(bench);
  await bench.restart();
  await bench.levels();
  await saved(bench);
  await bench.restart();
  const { lo } = bench.session.previous;
  const high = { id: 5_000, timeMs: lo * 60_000, price: 99_999, size: 5, buy: true };
  bench.onListing = () => {
    bench.onListing = () => undefined;
    bench.commit({ lo, hi: lo + 1 }, [high]);
  };
  expect((await bench.levels()).levels.PDH?.units).toBe(99_999n);
  expect(bench.log.map(({ message }) => message).join()).toContain("the trades changed meanwhile");
});

test("SessionLoader.load(), a correction of a session that is known by its profile alone brings its minutes in", async () => {
  const bench = await opened("2026-01-03T00:10:00Z");
  fill(bench);
  await bench.restart();
  await bench.levels();
  await saved(bench);
  await bench.restart();
  await bench.levels();
  const { revision } = bench.series;
  const { previous } = bench.session;
  const low = { id: 5_000, timeMs: previous.lo * 60_000, price: 1, size: 5, buy: true };
  bench.commit({ lo: previous.lo, hi: previous.lo + 1 }, [low]);
  expect(bench.series.canFold(previous)).toBe(false);
  expect((await bench.levels()).levels.PDL?.units).toBe(1n);
  expect(bench.series.revision).toBe(revision + 1);
});

test("SessionLoader.load(), with the cache and without it every level is the same, whatever the calendar", async () => {
  const calendars: CalendarRules[] = [
    {},
    { hours: parseSessionHours("09:30-16:00 America/New_York mon-fri") },
    { hours: parseSessionHours("18:00-17:00 America/Chicago sun-thu") },
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...calendars), fc.integer({ min: 1, max: 1e6 }), async (rules, seed) => {
      const bench = await SessionBench.open("2026-03-09T15:30:00Z", rules);
      try {
        fill(bench, seed);
        const fresh = told(await bench.levels());
        await bench.restart();
        expect(told(await bench.levels())).toEqual(fresh);
        await saved(bench);
        await bench.restart();
        expect(told(await bench.levels())).toEqual(fresh);
        expect(bench.steps.at(-1)?.[0]).toBe("profile cache");
        expect(await readdir(join(bench.dir, "binance/spot/BTCUSDT"))).toHaveLength(1);
      } finally {
        await bench.close();
      }
    }),
    { numRuns: 12 },
  );
});
