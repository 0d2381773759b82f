import { afterEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  deriveLevels,
  foldMinutes,
  foldWindow,
  type KnownWindow,
  SessionCalendar,
  VALUE_AREA_METHODS,
  type WindowFold,
} from "../../../src/core/mod.ts";
import { PROFILE_AGE_MS_MAX, ProfileCache, type SessionProfile } from "../../../src/tape/mod.ts";
import { decodeProfile, encodeProfile } from "../../../src/tape/profiles/profile-encoding.ts";
import { batchOfTrades, madeTrades, SCALES } from "../../support/trades.ts";

const CALENDAR = new SessionCalendar();
const SESSION = CALENDAR.named("2026-01-02")!;
const { range } = SESSION;
const KEY = { series: { venue: "binance", market: "spot", symbol: "BTC/USDT" }, session: SESSION.name };
const BIN_UNITS = 5;
const NOW_MS = Date.parse("2026-02-01T00:00:00Z");

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function newCache(bytesMax?: number): Promise<ProfileCache> {
  const dir = await mkdtemp(join(tmpdir(), "tapeline-profiles-"));
  dirs.push(dir);
  return new ProfileCache({ dir: join(dir, "cache"), nowMs: () => NOW_MS, ...(bytesMax && { bytesMax }) });
}

function foldOf(seed: number, count: number): WindowFold {
  const trades = madeTrades(seed, { count, fromMs: range.lo * 60_000, toMs: range.hi * 60_000 });
  return foldWindow(foldMinutes(batchOfTrades(trades), BIN_UNITS).minutes);
}

function profileOf(fold: WindowFold): SessionProfile {
  return { range, digest: "d1", scales: SCALES, binUnits: BIN_UNITS, coverage: [range], fold };
}

/** Every level of the next session whose previous one is the fold. */
function levelsOf(fold: WindowFold) {
  const whole = (of: WindowFold): KnownWindow<WindowFold> => ({
    fold: of,
    coverage: { expectedMinutes: 1_440, coveredMinutes: 1_440, missing: [] },
    whole: true,
  });
  const empty = whole(foldWindow([]));
  return VALUE_AREA_METHODS.flatMap((method) =>
    [1, 7].map((coarser) =>
      deriveLevels(
        {
          ...{
            symbol: "binance:BTCUSDT",
            session: CALENDAR.after(SESSION),
            asOfMs: 0,
            nowMinute: range.hi,
            revision: 1,
          },
          ...{ scales: SCALES, binUnits: BIN_UNITS, openingRange: empty, initialBalance: empty },
          current: whole(fold),
          previous: whole(fold),
        },
        { method, coarser },
      ),
    ),
  );
}

test("ProfileCache.read(), the levels of a kept profile equal those of its minutes, bit for bit", async () => {
  const cache = await newCache();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 0, max: 300 }),
      async (seed, count) => {
        const fold = foldOf(seed, count);
        await cache.save(KEY, profileOf(fold));
        const read = await cache.read(KEY, profileOf(fold));
        if (read.kind !== "found") throw new Error(`the profile is ${read.kind}`);
        const { profile, ...sums } = read.profile.fold;
        const { profile: own, ...ownSums } = fold;
        expect(sums).toEqual(ownSums);
        expect(profile.rows()).toEqual(own.rows());
        expect(read.profile.coverage).toEqual([range]);
        expect(levelsOf(read.profile.fold)).toEqual(levelsOf(fold));
      },
    ),
    { numRuns: 40 },
  );
  expect(await readdir(join(cache.dir, "binance/spot/BTC%2FUSDT"))).toEqual(["2026-01-02.profile"]);
});

test("ProfileCache.read(), a profile of other trades, hours or bins is not used", async () => {
  const cache = await newCache();
  const profile = profileOf(foldOf(1, 50));
  expect(await cache.read(KEY, profile)).toEqual({ kind: "missing" });
  await cache.save(KEY, profile);
  const reasons = [];
  for (const other of [
    { digest: "d2" },
    { range: { lo: range.lo + 60, hi: range.hi } },
    { binUnits: 10 },
    { scales: { priceScale: 3, sizeScale: 3 } },
  ]) {
    const read = await cache.read(KEY, { ...profile, ...other });
    reasons.push(read.kind === "stale" ? read.reason : read.kind);
  }
  expect(reasons).toEqual([
    "the tape holds other trades of it by now",
    "the hours of the session have changed",
    "the scales or the bin size of the series have changed",
    "the scales or the bin size of the series have changed",
  ]);
});

test("decodeProfile(), any flipped, missing or added byte is damage", () => {
  const bytes = encodeProfile(KEY, profileOf(foldOf(2, 40)));
  expect(decodeProfile(bytes).kind).toBe("decoded");
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const other = bytes.slice();
      other[at] = other[at]! ^ flip;
      expect(decodeProfile(other).kind).toBe("damaged");
      expect(decodeProfile(bytes.subarray(0, at)).kind).toBe("damaged");
    }),
  );
  expect(decodeProfile(new Uint8Array([...bytes, 0])).kind).toBe("damaged");
});

test("ProfileCache.read(), a file in the place of another is not believed", async () => {
  const cache = await newCache();
  const profile = profileOf(foldOf(3, 20));
  await cache.save({ ...KEY, session: "2026-01-01" }, profile);
  const folder = join(cache.dir, "binance/spot/BTC%2FUSDT");
  await writeFile(join(folder, "2026-01-02.profile"), await readFile(join(folder, "2026-01-01.profile")));
  expect(await cache.read(KEY, profile)).toEqual({ kind: "damaged", reason: "it is of another session" });
  const { files, damaged } = await cache.verify();
  expect([files, damaged.map(({ path }) => path)]).toEqual([
    2,
    ["binance/spot/BTC%2FUSDT/2026-01-02.profile"],
  ]);
  expect((await cache.stats()).files).toBe(1);
});

test("ProfileCache.sweep(), what is old, too much or left behind goes, and other files stay", async () => {
  const profile = profileOf(foldOf(4, 30));
  const { length } = encodeProfile(KEY, profile);
  const cache = await newCache(2 * length + 10);
  const folder = join(cache.dir, "binance/spot/BTC%2FUSDT");
  const age = async (name: string, ms: number) =>
    utimes(join(folder, name), new Date(), new Date(NOW_MS - ms));
  for (const [at, ms] of [1_000, 2_000, 3_000, PROFILE_AGE_MS_MAX + 1].entries()) {
    await cache.save({ ...KEY, session: `2026-01-0${at + 1}` }, profile);
    await age(`2026-01-0${at + 1}.profile`, ms);
  }
  await writeFile(join(folder, "2026-01-01.profile.x.tmp"), "");
  await age("2026-01-01.profile.x.tmp", 3_600_000);
  await writeFile(join(folder, "2026-01-01.profile.y.tmp"), "");
  await age("2026-01-01.profile.y.tmp", 1_000);
  await writeFile(join(folder, "notes.txt"), "mine");
  await mkdir(join(folder, "deeper"));
  expect(await cache.sweep()).toEqual({ files: 3, bytes: 2 * length });
  expect((await readdir(folder)).sort()).toEqual([
    "2026-01-01.profile",
    "2026-01-01.profile.y.tmp",
    "2026-01-02.profile",
    "deeper",
    "notes.txt",
  ]);
  expect(await cache.stats()).toEqual({
    files: 2,
    bytes: 2 * length,
    oldestMs: NOW_MS - 2_000,
    newestMs: NOW_MS - 1_000,
  });
  expect(await cache.clean()).toEqual({ files: 2, bytes: 2 * length });
  expect((await cache.stats()).files).toBe(0);
});

test("ProfileCache, a directory that is not there is an empty cache, and one that cannot be written says so", async () => {
  const cache = await newCache();
  expect(await cache.stats()).toEqual({ files: 0, bytes: 0, oldestMs: null, newestMs: null });
  expect([await cache.sweep(), await cache.clean()]).toEqual([
    { files: 0, bytes: 0 },
    { files: 0, bytes: 0 },
  ]);
  await mkdir(cache.dir, { recursive: true });
  await writeFile(join(cache.dir, "binance"), "a file where a folder should be");
  const thrown = await cache.save(KEY, profileOf(foldOf(5, 5))).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "write" });
});
