/**
 * Frames of the profile and bars channels on a liquid day of some 20,000 bins while its last minute moves: reading the state and writing
 * the frame for a reader that holds the state before, beside the obvious way (all members as objects, compared and written). A quiet
 * machine is meant.
 *
 *   bun scripts/bench/channel-frames.ts [--rounds 300]
 *
 * Exit: 0, or 1 where the two ways differ, or one turn of the first whole frame or a frame's p99 is over 10 ms.
 */
import { parseArgs } from "node:util";
import { BarsSource, ProfileSource } from "../../src/app/mod.ts";
import { dayRange, type MinuteContribution, utcSession } from "../../src/core/mod.ts";
import { applyChangedFields, changedFields } from "../../src/protocol/mod.ts";
import type { ConflatedSource, ConflatedState } from "../../src/push/mod.ts";
import { DayLoader, SeriesStore } from "../../src/store/mod.ts";
import { LIQUID_GRID, liquidDay } from "./liquid-day.ts";
import { percentile } from "./percentile.ts";

const BUDGET_MS = 10;
const DAY = 20_454;
const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "300" } } });
const rounds = Number(options.rounds);

const { lo, hi } = dayRange(DAY);
const running = hi - 2;
const series = new SeriesStore({
  seriesId: 1,
  instrument: {
    ...{ venue: "binance", market: "spot", symbol: "BTCUSDT", ...LIQUID_GRID.scales },
    ...{ tickUnits: 1, lotUnits: 1 },
  },
  binUnits: LIQUID_GRID.binUnits,
});
const day = liquidDay(DAY);
const last = day.minutes.at(-2)!;
series.commit({ lo, hi: running }, { ...day, minutes: day.minutes.slice(0, -2) });
series.receivingFrom = lo;

/** The running minute after a round: a tenth of its bins have grown. */
function grown(round: number): MinuteContribution {
  const binVolumes = last.binVolumes.map((volume, at) => volume + (at % 10 === round % 10 ? round * 10 : 0));
  const volume = binVolumes.reduce((sum, each) => sum + each, 0);
  return { ...last, binVolumes, volume, count: last.count + round, close: last.open + round };
}

const pieces: number[] = [];
const bars = {
  nowMs: () => running * 60_000 + 30_000,
  expectedEnd: () => running,
  loader: new DayLoader(async () => ({ ...day, minutes: [] })),
  turns: {
    take: async <T>(piece: () => T) => {
      const since = performance.now();
      const done = piece();
      pieces.push(performance.now() - since);
      return done;
    },
  },
};
const session = utcSession(DAY);
const levels = { sessionNamed: () => session, currentSession: () => session, expectedEnd: () => running };
const sight = { open: () => {}, close: () => {}, touch: () => {}, catchUp: () => {} };
const timers = { now: () => performance.now(), after: () => () => {} };
const onError = (error: unknown) => {
  throw error;
};

let failed = false;
const profile = new ProfileSource({ bars, levels, method: "ranked", onError }, series, undefined, sight);
await profile.open();
const since = performance.now();
const first = wholeOf(profile.current());
const firstMs = performance.now() - since;
const turnMs = Math.max(...pieces);
console.log(
  `profile  whole: ${(first.length / 1_000).toFixed(0)} kB, ${Object.keys(parsed(first)["bins"] ?? {}).length} bins; made ready in ${pieces.length} turns, the longest ${turnMs.toFixed(1)} ms; the reply ${firstMs.toFixed(1)} ms`,
);
if (Math.max(turnMs, firstMs) > BUDGET_MS) failed = true;
measure("profile", profile);
for (const interval of ["1m", "1d"] as const) {
  const source = new BarsSource({ bars, timers, onError }, series, interval, sight);
  await source.open();
  measure(`bars ${interval}`, source);
}
process.exit(failed ? 1 : 0);

/** Frames of a source while the running minute moves, beside those of whole objects. */
function measure(name: string, source: ConflatedSource): void {
  let held = source.current();
  let naive = parsed(wholeOf(held));
  let merged: Record<string, unknown> = naive;
  const ours: number[] = [];
  const theirs: number[] = [];
  let bytes = 0;
  for (let round = 1; round <= rounds; round++) {
    series.putLive({ ...day, minutes: [grown(round)] }, undefined);
    const begin = performance.now();
    const state = source.current();
    const { large } = state;
    const members = large?.since(held.revision);
    const frame = JSON.stringify(changedFields(held.fields, state.fields) ?? {});
    ours.push(performance.now() - begin);
    if (large === undefined || members === undefined) throw new Error(`${name}: what changed cannot be told`);
    bytes += frame.length + members.length;
    held = state;
    const whole = parsed(wholeOf(state));
    const again = performance.now();
    const changed = changedFields(naive, whole) ?? {};
    const written = JSON.stringify(changed);
    theirs.push(performance.now() - again);
    merged = applyChangedFields(merged, { ...JSON.parse(frame), [large.name]: JSON.parse(members) });
    if (
      written.length === 0 ||
      Object.keys(changedFields(whole, merged) ?? {}).some((key) => key !== "revision")
    )
      failed = true;
    naive = whole;
  }
  const [p50, p99] = [percentile(ours, 50), percentile(ours, 99)];
  const obvious = percentile(theirs, 50);
  console.log(
    `${name.padEnd(8)} frame: ${p50.toFixed(2)} ms (p99 ${p99.toFixed(2)}), ${(bytes / rounds / 1_000).toFixed(1)} kB; compared whole, made already: ${obvious.toFixed(2)} ms, ratio ${(p50 / obvious).toFixed(2)}`,
  );
  if (p99 > BUDGET_MS) failed = true;
}

function wholeOf({ revision, fields, large }: ConflatedState): string {
  const json = JSON.stringify({ ...fields, revision });
  return large === undefined ? json : `${json.slice(0, -1)},"${large.name}":${large.whole()}}`;
}

function parsed(json: string): Record<string, unknown> {
  return JSON.parse(json);
}
