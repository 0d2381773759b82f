import { Coverage, type MinuteRange } from "../core/mod.ts";
import type { FoundMismatch } from "../store/mod.ts";
import type { KnownMismatch } from "./store/mismatches.ts";

/** Mismatching minutes of one job lie at most so far apart: fetching what lies between costs less than another request. */
const JOIN_MINUTES = 10;
/** Minutes of one job. */
const RUN_MINUTES_MAX = 60;

/** Minutes that one job fetches again. */
export interface MinuteRun {
  readonly range: MinuteRange;
  /** The mismatching ones of them. */
  readonly minutes: readonly number[];
}

/** What is known of the open mismatches of one series. */
export class MismatchBook {
  readonly #entries = new Map<number, KnownMismatch>();

  get size(): number {
    return this.#entries.size;
  }

  put(known: Iterable<KnownMismatch>): void {
    for (const entry of known) this.#entries.set(entry.minute, entry);
  }

  /** Of these findings, those that are new or say something else than what is known. */
  news(found: readonly FoundMismatch[]): FoundMismatch[] {
    return found.filter(({ minute, field, ours, theirs }) => {
      const known = this.#entries.get(minute);
      return known?.field !== field || known.ours !== ours || known.theirs !== theirs;
    });
  }

  /** Takes out the minutes that agree again, and answers them. */
  takeAgreeing(agreeing: Coverage): number[] {
    const taken: number[] = [];
    for (const minute of this.#entries.keys()) if (agreeing.has(minute)) taken.push(minute);
    for (const minute of taken) this.#entries.delete(minute);
    return taken;
  }

  queued(minutes: readonly number[], jobId: string): void {
    this.#change(minutes, (entry) => ({ ...entry, refetchJob: jobId }));
  }

  reported(minutes: readonly number[], atMs: number): void {
    this.#change(minutes, (entry) => ({ ...entry, refetchedAtMs: atMs }));
  }

  /** Jobs that are to fetch minutes again and whose outcome is not told yet. */
  jobs(): ReadonlySet<string> {
    const jobs = new Set<string>();
    for (const { refetchJob, refetchedAtMs } of this.#entries.values())
      if (refetchJob !== undefined && refetchedAtMs === undefined) jobs.add(refetchJob);
    return jobs;
  }

  /** Minutes of such a job. */
  minutesOf(jobId: string): number[] {
    return this.#pick(({ refetchJob, refetchedAtMs }) => refetchJob === jobId && refetchedAtMs === undefined);
  }

  /** What nobody has asked to be fetched again, oldest first, in runs of minutes that lie close together. */
  unasked(): MinuteRun[] {
    const runs: { range: MinuteRange; minutes: number[] }[] = [];
    for (const minute of this.#pick(({ refetchJob }) => refetchJob === undefined)) {
      const last = runs.at(-1);
      const near = last !== undefined && minute < last.range.hi + JOIN_MINUTES;
      if (last !== undefined && near && minute < last.range.lo + RUN_MINUTES_MAX) {
        last.range = { lo: last.range.lo, hi: minute + 1 };
        last.minutes.push(minute);
      } else runs.push({ range: { lo: minute, hi: minute + 1 }, minutes: [minute] });
    }
    return runs;
  }

  /** Minutes to be distrusted, by the reason. */
  doubts(): ReadonlyMap<string, Coverage> {
    const byReason = Map.groupBy(this.#entries.values(), reasonOf);
    const ranges = (entries: readonly KnownMismatch[]) =>
      Coverage.of(entries.map(({ minute }) => ({ lo: minute, hi: minute + 1 })));
    return new Map([...byReason].map(([reason, entries]) => [reason, ranges(entries)]));
  }

  #pick(wanted: (entry: KnownMismatch) => boolean): number[] {
    const minutes: number[] = [];
    for (const entry of this.#entries.values()) if (wanted(entry)) minutes.push(entry.minute);
    return minutes.sort((a, b) => a - b);
  }

  #change(minutes: readonly number[], change: (entry: KnownMismatch) => KnownMismatch): void {
    for (const minute of minutes) {
      const entry = this.#entries.get(minute);
      if (entry !== undefined) this.#entries.set(minute, change(entry));
    }
  }
}

const FIELD_WORDS: Readonly<Record<KnownMismatch["field"], string>> = {
  open: "open",
  high: "high",
  low: "low",
  close: "close",
  volume: "volume",
  quoteVolume: "quote volume",
  buyVolume: "taker-buy volume",
  rawCount: "number of trades",
};

/** Why the candles around a minute prove nothing. Without its values, so that minutes of one kind are one doubt. */
function reasonOf({ field, refetchedAtMs }: KnownMismatch): string {
  const state = refetchedAtMs === undefined ? "it is being fetched again" : "also after it was fetched again";
  return `the venue's candle and the trades of this minute differ in their ${FIELD_WORDS[field]}; ${state}`;
}
