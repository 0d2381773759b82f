/**
 * How early the POC is certain, and VAH and VAL (method `ranked`): of a real day, all 1-minute candles are known, then
 * 10-minute chunks are loaded by one order or another until the POC is; the order `certify` goes on until both ends of the
 * value area are. Prints the share of the day's trades that had to be loaded, and what a step costs.
 *
 *   bun scripts/bench/certify.ts [--chunk-minutes 10] [--chunk-trades 0]
 *
 * `--chunk-trades 1000` cuts the chunks further, down to one minute, until none holds more trades than that. `the end` instead
 * of a share: it was not certain before the last chunk. Exit: 0, or 1 where something certain was not the day's.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  certifyOrder,
  DEFAULT_SHARE,
  foldWindow,
  type MinuteRange,
  type PendingChunk,
  ProfileState,
  type ProvenArea,
  pocIndex,
  pocOfState,
  provenArea,
  requestsFor,
  valueArea,
} from "../../src/core/mod.ts";
import { type CertifyDay, EQUITY_FILES, equityDay, XRPETH_DAY, xrpethDay } from "./certify-day.ts";
import { percentile } from "./percentile.ts";

const { values: options } = parseArgs({
  options: {
    "chunk-minutes": { type: "string", default: "10" },
    "chunk-trades": { type: "string", default: "0" },
  },
});
/** Recorded days stand beside the repository; a day that is missing is left out. */
const sharedData = (name: string) => fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
const chunkMinutes = Number(options["chunk-minutes"]);
const chunkTrades = Number(options["chunk-trades"]);
const ORDERS = ["certify", "recent", "oldest"] as const;
type Order = (typeof ORDERS)[number];
const COLUMNS = ["certify", "ends", "recent", "oldest"] as const;
type Column = (typeof COLUMNS)[number];

/** What had been loaded when something became certain. */
interface Tally {
  /** Of the day's trades. */
  readonly share: number;
  readonly chunks: number;
  readonly requests: number;
}

interface Outcome {
  readonly poc: Tally;
  /** Both ends of the value area; of the order `certify` alone. */
  readonly ends: Tally | undefined;
  /** What was certain is the day's. */
  readonly right: boolean;
}

const stepMs: number[] = [];
const orderMs: number[] = [];
const endsMs: number[] = [];
const foldMs: number[] = [];

function timed<T>(into: number[], run: () => T): T {
  const startedAt = performance.now();
  const result = run();
  into.push(performance.now() - startedAt);
  return result;
}

function chunksOf({ minutes }: CertifyDay): PendingChunk[] {
  const countOf = new Map(minutes.map((minute) => [minute.minute, minute.rawCount]));
  const tradesIn = ({ lo, hi }: MinuteRange) => {
    let trades = 0;
    for (let minute = lo; minute < hi; minute++) trades += countOf.get(minute) ?? 0;
    return trades;
  };
  const chunks: PendingChunk[] = [];
  const cut = (range: MinuteRange): void => {
    const trades = tradesIn(range);
    if (trades === 0) return;
    if (chunkTrades > 0 && trades > chunkTrades && range.hi - range.lo > 1) {
      const middle = Math.floor((range.lo + range.hi) / 2);
      cut({ lo: range.lo, hi: middle });
      cut({ lo: middle, hi: range.hi });
      return;
    }
    chunks.push({ ...range, requests: requestsFor(trades) });
  };
  const first = Math.floor(minutes[0]!.minute / chunkMinutes) * chunkMinutes;
  for (let lo = first; lo <= minutes.at(-1)!.minute; lo += chunkMinutes) cut({ lo, hi: lo + chunkMinutes });
  return chunks;
}

function run(day: CertifyDay, order: Order): Outcome {
  const state = new ProfileState(day.grid);
  for (const candle of day.candles) state.addCandle(candle);
  const { bins, volumes } = timed(foldMs, () => foldWindow(day.minutes)).profile.rows();
  const truth = valueArea({ bins, volumes }, "ranked")!;
  const contributionOf = new Map(day.minutes.map((minute) => [minute.minute, minute]));
  let pending = chunksOf(day);
  const total = day.minutes.reduce((sum, minute) => sum + minute.rawCount, 0);
  let loaded = 0;
  let chunks = 0;
  let requests = 0;
  const tally = (): Tally => ({ share: loaded / total, chunks, requests });
  let right = true;
  let poc: Tally | undefined;
  let ends: Tally | undefined;
  let found = pocOfState(state);
  for (;;) {
    if (poc === undefined && found?.kind === "certain") {
      poc = tally();
      right &&= found.bin === truth.poc;
    }
    const area = order === "certify" ? timed(endsMs, () => areaOf(state)) : undefined;
    if (ends === undefined && area?.vah.kind === "certain" && area.val.kind === "certain") {
      ends = tally();
      right &&= area.vah.bin === truth.vah && area.val.bin === truth.val;
    }
    if (poc !== undefined && (ends !== undefined || order !== "certify")) return { poc, ends, right };
    if (pending.length === 0)
      throw new Error(`${order}: everything is loaded, and not everything is certain`);
    // What a step costs is told of those that are for the POC.
    const searching = poc === undefined;
    const next = timed(order === "certify" && searching ? orderMs : [], () =>
      pick(state, pending, order, area),
    );
    pending = pending.filter((chunk) => chunk !== next);
    found = timed(searching ? stepMs : [], () => {
      for (let minute = next.lo; minute < next.hi; minute++) state.cover(minute, contributionOf.get(minute));
      return pocOfState(state);
    });
    for (let minute = next.lo; minute < next.hi; minute++)
      loaded += contributionOf.get(minute)?.rawCount ?? 0;
    chunks++;
    requests += next.requests;
  }
}

function areaOf(state: ProfileState): ProvenArea | undefined {
  return provenArea(state, "ranked", DEFAULT_SHARE);
}

function pick(
  state: ProfileState,
  pending: readonly PendingChunk[],
  order: Order,
  area: ProvenArea | undefined,
): PendingChunk {
  if (order === "certify") return certifyOrder(state, pending, { open: openEnds(area) })[0]!;
  return order === "recent" ? pending.at(-1)! : pending[0]!;
}

/** As a server has it: once the POC is certain, the bins that VAH and VAL may still lie in. */
function openEnds(area: ProvenArea | undefined): (readonly [from: number, to: number])[] {
  if (area?.poc.kind !== "certain") return [];
  return [area.vah, area.val].flatMap((end) =>
    end.kind === "bounded" ? [[end.low, end.high] as const] : [],
  );
}

/** Less than the whole is never shown as 100 %. */
const shown = (share: number) =>
  share === 1 ? "the end" : `${Math.min(share * 100, 99.9).toFixed(1)} %`.padStart(7);
const shares: Record<Column, number[]> = { certify: [], ends: [], recent: [], oldest: [] };
let wrong = 0;

function printRow(name: string, shareOf: Readonly<Record<Column, number>>, more = ""): void {
  const { certify, ends, recent, oldest } = shareOf;
  console.log(
    `${name.padEnd(15)} certify ${shown(certify)}, VAH and VAL ${shown(ends)}   recent ${shown(recent)}   oldest ${shown(oldest)}${more}`,
  );
}

function report(name: string, day: CertifyDay): Readonly<Record<Column, number>> {
  const outcomes = { certify: run(day, "certify"), recent: run(day, "recent"), oldest: run(day, "oldest") };
  for (const order of ORDERS) if (!outcomes[order].right) wrong++;
  const { poc, ends } = outcomes.certify;
  const shareOf = {
    ...{ certify: poc.share, ends: ends!.share },
    ...{ recent: outcomes.recent.poc.share, oldest: outcomes.oldest.poc.share },
  };
  printRow(
    name,
    shareOf,
    `   certify: ${poc.chunks} chunks, ${poc.requests} requests; VAH and VAL: ${ends!.chunks}, ${ends!.requests}`,
  );
  return shareOf;
}

console.log("share of the trades loaded when the POC is certain; by certify also when VAH and VAL are");
if (existsSync(sharedData(XRPETH_DAY))) report("XRPETH 20191011", xrpethDay(sharedData(XRPETH_DAY)));
for (const [name, file] of EQUITY_FILES) {
  if (!existsSync(sharedData(file))) continue;
  const shareOf = report(name, equityDay(sharedData(file)));
  for (const column of COLUMNS) shares[column].push(shareOf[column]);
}
const median = (column: Column) => percentile(shares[column], 50);
printRow("median (stocks)", {
  ...{ certify: median("certify"), ends: median("ends") },
  ...{ recent: median("recent"), oldest: median("oldest") },
});

/** A day as wide and as busy as they come, one minute after the other: bins touched, volume, trades. */
const WIDE = { minutes: 1_440, bins: 20_000, binsPerMinute: 500, chunkMinutes: 10, requests: 8 };

function wideDay(): CertifyDay {
  const candles = Array.from({ length: WIDE.minutes }, (_, minute) => {
    const low = Math.round(((WIDE.bins - WIDE.binsPerMinute) / 2) * (1 + Math.sin(minute / 90))) * 10;
    const high = low + WIDE.binsPerMinute * 10 - 1;
    const volume = 100_000 + ((minute * 7_919) % 50_000);
    const quoteVolume = BigInt(volume) * BigInt(low + ((minute * 31) % 4_000) + 500);
    return { minute, open: low, high, low, close: high, volume, quoteVolume, rawCount: 1_000 };
  });
  const minutes = candles.map((candle) => {
    const bins = Float64Array.from({ length: WIDE.binsPerMinute }, (_, i) => Math.floor(candle.low / 10) + i);
    const binVolumes = bins.map((_, i) => 100 + ((i * 13 + candle.minute) % 200));
    return {
      ...candle,
      volume: binVolumes.reduce((sum, each) => sum + each, 0),
      buyVolume: 0,
      squareVolume: 0n,
      count: 1_000,
      firstId: 0,
      lastId: 0,
      firstTimeUs: 0,
      lastTimeUs: 0,
      bins,
      binVolumes,
      binBuyVolumes: new Float64Array(bins.length),
    };
  });
  return { grid: { binUnits: 10 }, candles, minutes };
}

function wideTimes(day: CertifyDay): void {
  const sliceMs: number[] = [];
  const commitMs: number[] = [];
  const rankMs: number[] = [];
  const wholeMs: number[] = [];
  const state = new ProfileState(day.grid);
  let built = 0;
  for (let lo = 0; lo < WIDE.minutes; lo += WIDE.chunkMinutes) {
    timed(sliceMs, () => {
      for (const candle of day.candles.slice(lo, lo + WIDE.chunkMinutes)) state.addCandle(candle);
    });
    built += sliceMs.at(-1)!;
  }
  const pending: PendingChunk[] = [];
  for (let lo = 0; lo < WIDE.minutes; lo += WIDE.chunkMinutes)
    pending.push({ lo, hi: lo + WIDE.chunkMinutes, requests: WIDE.requests });
  while (pending.length > 0) {
    const next = timed(rankMs, () => certifyOrder(state, pending))[0]!;
    pending.splice(pending.indexOf(next), 1);
    timed(commitMs, () => {
      for (let minute = next.lo; minute < next.hi; minute++) state.cover(minute, day.minutes[minute]);
      pocOfState(state);
    });
    timed(wholeMs, () => {
      const { bins, volumes } = foldWindow(day.minutes).profile.rows();
      pocIndex({ bins, volumes });
    });
  }
  console.log(`\n${WIDE.bins} bins a day, ${WIDE.binsPerMinute} a minute, ${WIDE.minutes} minutes`);
  console.log(`build from candles          ${built.toFixed(1)} ms in slices, ${ms(sliceMs)}`);
  console.log(`commit of a chunk and POC   ${ms(commitMs)}`);
  console.log(`order of all chunks         ${ms(rankMs)}`);
  console.log(`fold of the whole day, POC  ${ms(wholeMs)}`);
}

const ms = (samples: readonly number[]) =>
  `median ${percentile(samples, 50).toFixed(3)} ms, 95 % ${percentile(samples, 95).toFixed(3)} ms`;
console.log(`\ncommit of a chunk and POC   ${ms(stepMs)}`);
console.log(`order of all chunks         ${ms(orderMs)}`);
console.log(`POC, VAH and VAL as proven  ${ms(endsMs)}`);
console.log(`fold of the whole day       ${ms(foldMs)}`);
wideTimes(wideDay());
if (wrong > 0) console.error(`${wrong} times something certain was not the day's`);
process.exitCode = wrong > 0 ? 1 : 0;
