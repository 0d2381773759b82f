import { MS_PER_MINUTE, minuteOfUs, type TradeBatch } from "../../src/core/mod.ts";
import { type SealedMinutes, Seam } from "../../src/live/mod.ts";
import { DISORDER_MS } from "../../src/live/seam.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { batchOfTrades, type MadeTrade, SCALES, seededRandom } from "../support/trades.ts";

/** First minute of the worlds below. */
export const FIRST_MINUTE = 28_000_000;
const START_MS = FIRST_MINUTE * MS_PER_MINUTE;
const TICK_MS = 250;

/** What goes wrong between the venue and the seam; shares are probabilities of each trade or minute. */
export interface Faults {
  readonly seed: number;
  readonly minutes: number;
  readonly quietShare: number;
  readonly duplicateShare: number;
  readonly reorderShare: number;
  readonly lostShare: number;
  readonly droppedShare: number;
  /** Disconnections, and spans in which a living connection delivers nothing. */
  readonly outages: number;
  readonly silences: number;
  /** Whether the venue answers when it is asked for its newest trade. */
  readonly venueAnswers: boolean;
  /** How far our clock is from the venue's, ms. */
  readonly skewMs: number;
}

export const NO_FAULTS: Omit<Faults, "seed"> = {
  minutes: 6,
  quietShare: 0,
  duplicateShare: 0,
  reorderShare: 0,
  lostShare: 0,
  droppedShare: 0,
  outages: 0,
  silences: 0,
  venueAnswers: true,
  skewMs: 0,
};

interface Printed extends MadeTrade {
  /** When the venue publishes it. */
  readonly atMs: number;
  /** Its id belongs to a print that is no market trade. */
  readonly dropped: boolean;
}

export interface WorldResult {
  /** Every run of minutes that was sealed, in order. */
  readonly sealed: readonly SealedMinutes[];
  /** Minutes whose proof was taken back. */
  readonly late: readonly number[];
  readonly breaks: readonly string[];
  readonly trades: readonly MadeTrade[];
  readonly firstTradeMs: number;
  readonly seam: Seam;
}

/** A venue, its stream and our seam, for some minutes; everything follows from the seed. */
export function playWorld(faults: Faults): WorldResult {
  const random = seededRandom(faults.seed);
  const clock = new FakeClock(START_MS);
  const endMs = START_MS + faults.minutes * MS_PER_MINUTE;
  const prints = printsOf(faults, random);
  const sealed: SealedMinutes[] = [];
  const late: number[] = [];
  const breaks: string[] = [];
  const seam = new Seam({
    kind: "aggregate",
    scales: SCALES,
    onSealed: (minutes) => sealed.push(minutes),
    onLate: (minute) => late.push(minute),
    onBreak: (reason) => breaks.push(reason),
  });
  const seen = () => clock.nowMs() + faults.skewMs;
  const at = (ms: number, run: () => void) => clock.after(ms - START_MS, run);

  let connection = 1;
  let connected = true;
  seam.up(seen());
  for (let i = 0; i < faults.outages; i++) {
    const from = START_MS + random() * (endMs - START_MS);
    at(from, () => {
      connected = false;
      seam.down("closed");
    });
    at(from + random() * 40_000, () => {
      connection++;
      connected = true;
      seam.up(seen());
    });
  }
  const silences = Array.from({ length: faults.silences }, () => {
    const from = START_MS + random() * (endMs - START_MS);
    return { from, to: from + random() * 90_000 };
  });

  const deliver = (print: Printed, delayMs: number) => {
    const sentOn = connection;
    clock.after(delayMs, () => {
      if (!connected || connection !== sentOn) return;
      if (print.dropped) seam.dropped(print.id, seen());
      else seam.trades(batchOfTrades([print]), seen());
    });
  };
  for (const print of prints)
    at(print.atMs, () => {
      if (!connected || random() < faults.lostShare) return;
      if (silences.some(({ from, to }) => from <= print.atMs && print.atMs < to)) return;
      deliver(print, 20 + (random() < faults.reorderShare ? random() * 1_300 : 0));
      if (random() < faults.duplicateShare) deliver(print, 20 + random() * 3_000);
    });

  const newest = () => prints.findLast(({ atMs }) => atMs <= clock.nowMs());
  const ask = () => {
    const askedAtMs = seen();
    clock.after(random() * 200, () => {
      const answer = newest();
      clock.after(random() * 300, () => {
        seam.newest(answer && { id: answer.id, timeUs: answer.timeMs * 1_000 }, askedAtMs);
      });
    });
  };
  for (let ms = START_MS; ms < endMs + 3_000; ms += TICK_MS)
    at(ms, () => {
      seam.tick(seen());
      if (faults.venueAnswers && (seam.wantsNewest(seen()) || random() < 0.02)) ask();
    });
  clock.advance(endMs - START_MS + 5_000);
  const trades = prints.filter(({ dropped }) => !dropped);
  return { sealed, late, breaks, trades, firstTradeMs: trades[0]?.timeMs ?? endMs, seam };
}

/** Prints in id order; times run back by less than the disorder that the seam allows for. */
function printsOf({ minutes, quietShare, droppedShare }: Faults, random: () => number): Printed[] {
  const times: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    if (random() < quietShare) continue;
    const count = 1 + Math.floor(random() * 14);
    for (let i = 0; i < count; i++) {
      // Edges are where it is decided: every other trade lies near one.
      const near = random() < 0.5 ? random() * 600 : random() * MS_PER_MINUTE;
      const ms = random() < 0.5 ? near : MS_PER_MINUTE - 1 - near;
      times.push(START_MS + minute * MS_PER_MINUTE + Math.floor(ms));
    }
  }
  times.sort((a, b) => a - b);
  return times.map((base, i) => ({
    id: 500 + i,
    timeMs: base + Math.floor(random() * DISORDER_MS),
    price: 10_000 + i,
    size: 1 + i,
    buy: i % 2 === 0,
    atMs: base + DISORDER_MS,
    dropped: random() < droppedShare,
  }));
}

/** Ids of the true trades of every minute of a range, in id order. */
export function trueIds(trades: readonly MadeTrade[], lo: number, hi: number): number[] {
  return trades
    .filter(({ timeMs }) => timeMs >= lo * MS_PER_MINUTE && timeMs < hi * MS_PER_MINUTE)
    .map(({ id }) => id);
}

/** Ids of a batch whose trades lie in one minute. */
export function idsInMinute(batch: TradeBatch, minute: number): number[] {
  return [...batch.id.subarray(0, batch.length)].filter(
    (_, row) => minuteOfUs(batch.timeUs[row]!) === minute,
  );
}
