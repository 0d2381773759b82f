/**
 * What a liquid day costs in memory, 1440 minutes of 570 bins each, and how fast its minutes fold; beside both, the same minutes as
 * they are, three doubles a bin. A quiet machine is meant.
 *
 *   bun scripts/bench/resident-day.ts
 *
 * Exit: 0, or 1 where a day takes more than 10 MB, or folds to something else than from scratch.
 */
import { heapStats } from "bun:jsc";
import { dayRange, foldWindow, type MinuteRange, type WindowFold } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { LIQUID_GRID, liquidDay } from "./liquid-day.ts";
import { percentile } from "./percentile.ts";

const BYTES_MAX = 10_000_000;
/** 2025-01-02. */
const FIRST_DAY = 20_090;
const DAYS = 4;
const ROUNDS = 60;
/** Buffers are given back some time after the objects that held them. */
const GC_ROUNDS = 5;
const GC_PAUSE_MS = 50;

/** Memory that the garbage collector keeps, buffers included. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < GC_ROUNDS; i++) {
    Bun.gc(true);
    await Bun.sleep(GC_PAUSE_MS);
  }
  return heapStats().heapSize;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function rowsOf({ profile, ...sums }: WindowFold): string {
  const { bins, volumes, buyVolumes } = profile.rows();
  return JSON.stringify([Object.values(sums).map(String), ...[bins, volumes, buyVolumes].map((c) => [...c])]);
}

const emptyHeap = await heldBytes();
const days = Array.from({ length: DAYS }, (_, i) => liquidDay(FIRST_DAY + i).minutes);
const asTheyAre = ((await heldBytes()) - emptyHeap) / DAYS;

const beforeDays = await heldBytes();
const resident = new SeriesStore({
  seriesId: 1,
  instrument: {
    venue: "binance",
    market: "spot",
    symbol: "BTCUSDT",
    ...LIQUID_GRID.scales,
    tickUnits: 1,
    lotUnits: 1,
  },
  binUnits: LIQUID_GRID.binUnits,
});
const packing: number[] = [];
for (const [i, minutes] of days.entries()) {
  const startedAt = performance.now();
  resident.commit(dayRange(FIRST_DAY + i), { ...LIQUID_GRID, minutes });
  packing.push(performance.now() - startedAt);
}
const bytes = ((await heldBytes()) - beforeDays) / DAYS;
console.log(`a day of ${(days[0]!.length * days[0]![0]!.bins.length).toLocaleString("en")} bins in memory`);
console.log(`  its minutes as they are              ${megabytes(asTheyAre)}`);
console.log(`  a resident day, profile included     ${megabytes(bytes)}`);
console.log(`  putting it in                        ${percentile(packing, 50).toFixed(1)} ms`);

/** Both ways in turns, so that what else the machine does hits both alike. */
function compare(name: string, range: MinuteRange): boolean {
  const within = days.flat().filter(({ minute }) => minute >= range.lo && minute < range.hi);
  const [plain, packed]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++)
    for (const [took, fold] of [
      [plain, () => foldWindow(within)],
      [packed, () => resident.window(range).fold],
    ] as const) {
      const startedAt = performance.now();
      fold();
      took.push(performance.now() - startedAt);
    }
  const same = rowsOf(foldWindow(within)) === rowsOf(resident.window(range).fold);
  const told = (took: readonly number[]) =>
    [0, 50].map((share) => `${percentile(took, share).toFixed(2)} ms`.padStart(10)).join("");
  console.log(`  ${name.padEnd(36)}${told(plain)}${told(packed)}  ${same ? "the same" : "OTHER SUMS"}`);
  return same;
}

const { lo } = dayRange(FIRST_DAY);
console.log(
  `\n  ${"a fold: best, median".padEnd(36)}${"as they are".padStart(20)}${"resident".padStart(20)}`,
);
const same = [
  compare("an hour", { lo: lo + 600, hi: lo + 660 }),
  compare("half a day", { lo: lo + 300, hi: lo + 1_020 }),
  compare("a day but ten minutes", { lo: lo + 10, hi: lo + 1_440 }),
  compare("two days, noon to noon", { lo: lo + 720, hi: lo + 2 * 1_440 + 720 }),
];
process.exit(same.every(Boolean) && bytes <= BYTES_MAX ? 0 : 1);
