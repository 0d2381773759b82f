import fc from "fast-check";
import * as v from "valibot";
import { PushChannels } from "../../src/app/push-channels.ts";
import {
  type Coverage,
  foldMinutes,
  type MinuteRange,
  minuteOfMs,
  SessionCalendar,
} from "../../src/core/mod.ts";
import { applyChangedFields } from "../../src/protocol/mod.ts";
import type { LosslessSource, PushLimits } from "../../src/push/mod.ts";
import { DayLoader, SeriesStore } from "../../src/store/mod.ts";
import { makeHub, type Peer, settle } from "../push/fakes.ts";
import { batchOfTrades, instrumentNamed, type MadeTrade } from "../support/trades.ts";

export const BIN_UNITS = 5;
/** When a world begins, where it does not matter: in the middle of a minute, ten hours into a session. */
export const NOW = "2026-01-02T10:00:30Z";
/** How long a minute may be proven whole after its end, ms. */
const GRACE_MS = 4_000;

const Frame = v.looseObject({ revision: v.number(), previous_revision: v.nullish(v.number()) });

/** The channels of one series over a tape in memory, behind a hub; time and trades are moved by hand. */
export class ChannelWorld {
  readonly series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  readonly calendar = new SessionCalendar();
  readonly channels: PushChannels;
  readonly push: ReturnType<typeof makeHub>;
  readonly errors: string[] = [];
  /** Trades of the tape, by minute. */
  readonly tape = new Map<number, readonly MadeTrade[]>();
  nowMs: number;
  loads = 0;
  /** Turns wait for this. */
  turn: PromiseWithResolvers<void> | undefined;
  /** Loads wait for this. */
  gate: Promise<unknown> = Promise.resolve();

  constructor(now: string, limits: Partial<PushLimits> = {}) {
    this.nowMs = Date.parse(now);
    this.push = makeHub({
      resolve: (channel) => this.channels.resolve(channel),
      // Nobody answers a ping here.
      limits: { pingMs: 1e12, ...limits },
    });
    const loader = new DayLoader(async (series, minutes: Coverage) => {
      this.loads++;
      await this.gate;
      const trades = [...this.tape].filter(([minute]) => minutes.has(minute)).flatMap(([, own]) => own);
      return foldMinutes(batchOfTrades(trades), series.grid.binUnits);
    });
    const expectedEnd = () => minuteOfMs(this.nowMs - GRACE_MS);
    const session = () => this.calendar.latest(minuteOfMs(this.nowMs));
    this.channels = new PushChannels({
      ...{ jobs: NO_JOBS, backfill: { job: async () => undefined }, gaps: { source: () => NO_EVENTS } },
      ...{ store: { bySymbol: () => this.series }, live: { catchUp: () => undefined }, followed: [] },
      levels: {
        sessionNamed: (name) => (name === undefined ? session() : this.calendar.named(name)),
        ...{ currentSession: session, expectedEnd, isPending: () => false, backfillOf: () => null },
        load: async () => undefined,
        read: () => {
          throw new Error("no levels here");
        },
      },
      ...{
        bars: { nowMs: () => this.nowMs, expectedEnd, loader, turns: { take: (piece) => this.#take(piece) } },
        method: "ranked",
        timers: this.push.timers,
      },
      ...{ hub: () => this.push.hub, onError: (error) => void this.errors.push(String(error)) },
    });
  }

  async #take<T>(piece: () => T): Promise<T> {
    await this.turn?.promise;
    return piece();
  }

  get minute(): number {
    return minuteOfMs(this.nowMs);
  }

  /** What every change ends with. */
  changed(): void {
    this.channels.seriesChanged(this.series);
  }

  /** Trades of minutes that were fetched; `elsewhere`: memory is not told what they contribute. */
  commit(range: MinuteRange, trades: readonly MadeTrade[], { elsewhere = false } = {}): void {
    for (let minute = range.lo; minute < range.hi; minute++)
      this.tape.set(
        minute,
        trades.filter(({ timeMs }) => minuteOfMs(timeMs) === minute),
      );
    if (elsewhere) this.series.resetCommitted([...this.series.committedWithin(EVER).ranges, range]);
    else this.series.commit(range, foldMinutes(batchOfTrades(trades), BIN_UNITS));
    this.changed();
  }

  /** What the live stream knows of minutes: open ones, or whole ones. */
  live(trades: readonly MadeTrade[], sealed?: MinuteRange): void {
    this.series.putLive(foldMinutes(batchOfTrades(trades), BIN_UNITS), sealed);
    this.changed();
  }

  /** What may happen at any time, to the series or to somebody who reads it. Of an empty range nothing is told. */
  async happens({ kind, range, trades, running, ms }: Happening, reader: Reader): Promise<void> {
    const some = range.lo < range.hi;
    if (kind === "live") this.live([running]);
    else if (kind === "seal" && some) this.live(trades, range);
    else if (kind === "commit" && some) this.commit(range, trades);
    else if (kind === "uncover" && some) {
      this.series.uncover(range);
      this.changed();
    } else if (kind === "pass") await this.pass(ms);
    else if (kind === "stop") reader.stop();
    else if (kind === "take") reader.take();
    await this.pass(110);
  }

  /** A reader takes all, and time passes until nothing more is to be told. */
  async rests(reader: Reader): Promise<void> {
    reader.take();
    // A minute's end is told when it is no longer waited for: look when that is over.
    await this.pass(65_000 - (this.nowMs % 60_000));
    await this.pass(500);
  }

  /** Time passes; a minute's end is told as the engine does. */
  async pass(ms: number): Promise<void> {
    const before = minuteOfMs(this.nowMs - GRACE_MS);
    this.nowMs += ms;
    if (minuteOfMs(this.nowMs - GRACE_MS) > before) {
      this.series.touch();
      this.changed();
    }
    await this.push.timers.advance(ms);
  }

  async reader(channel: string): Promise<Reader> {
    const reader = new Reader(await this.push.connected());
    reader.peer.send({ id: 2, subscribe: { channel } });
    for (let turn = 0; turn < 20; turn++) await settle();
    return reader;
  }
}

const HAPPENINGS = ["live", "seal", "commit", "uncover", "pass", "stop", "take"] as const;
export const happeningKind = fc.constantFrom(...HAPPENINGS);

/** What a happening is made of; each kind takes what it needs. */
export interface Happening {
  readonly kind: (typeof HAPPENINGS)[number];
  readonly range: MinuteRange;
  /** Of the range. */
  readonly trades: readonly MadeTrade[];
  /** In the running minute. */
  readonly running: MadeTrade;
  readonly ms: number;
}

/** A client that holds what it was told, merged by the rule of changes. */
export class Reader {
  readonly peer: Peer;
  /** Every frame as it came, the whole set of the reply among them. */
  readonly frames: Record<string, unknown>[] = [];
  #held: Record<string, unknown> | undefined;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** Its socket takes no more for now. */
  stop(): void {
    this.peer.socket.reading = false;
  }

  /** Its socket takes what it was kept from, and goes on. */
  take(): void {
    this.peer.socket.take();
    this.peer.session.drained();
  }

  /** What it holds now, after taking in all that has arrived. */
  get held(): Record<string, unknown> {
    for (const { subscribe, push } of this.peer.socket.received()) {
      const data = subscribe?.data ?? push?.pub?.data;
      if (data === undefined) continue;
      const frame = v.parse(Frame, data);
      this.frames.push(frame);
      const whole = this.#held === undefined || frame.previous_revision === null;
      if (!whole && this.#held?.["revision"] !== frame.previous_revision)
        throw new Error(`a frame builds on ${frame.previous_revision}, ${this.#held?.["revision"]} is held`);
      const { previous_revision: _, ...fields } = frame;
      this.#held = whole ? fields : applyChangedFields(this.#held ?? {}, fields);
    }
    return this.#held ?? {};
  }
}

const EVER = { lo: 0, hi: Number.MAX_SAFE_INTEGER };
const NO_EVENTS: LosslessSource = {
  ...{ kind: "lossless", position: () => ({ epoch: "", offset: 0 }), history: () => [] },
};
const NO_JOBS = { job: async () => undefined, channelState: async () => undefined, events: async () => [] };
