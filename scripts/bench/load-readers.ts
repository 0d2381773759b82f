import type { Buffer } from "node:buffer";
import { applyChangedFields } from "../../src/protocol/mod.ts";
import { DelayHistogram } from "./delay-histogram.ts";
import { epochMs, MARKED_SYMBOL, MARKS, markOf } from "./marks.ts";
import { RawReader } from "./raw-readers.ts";

const LEVELS = `levels:binance:${MARKED_SYMBOL}`;
const EVENTS = "backfill";
const COMMANDS = [
  { id: 1, connect: {} },
  { id: 2, subscribe: { channel: LEVELS } },
  { id: 3, subscribe: { channel: EVENTS } },
]
  .map((command) => JSON.stringify(command))
  .join("\n");
/** Where the name of the channel begins in a push. */
const NAME_AT = '{"push":{"channel":"'.length;
const LETTER_L = 0x6c;
const LAST = '"LAST":';
const LAST_CHARS_MAX = 24;
const OFFSET_CHARS_MAX = 40;
/** One connection of so many is measured: enough of them, and the bookkeeping of all would delay what it measures. */
const MEASURED_EVERY = 8;
/** One connection of so many is read whole: each of its frames is parsed and laid over what it holds. */
const WHOLE_EVERY = 100;
/** A step of more trades than this between two frames is none: the numbers have begun anew in between. */
const STEP_MAX = MARKS / 2;

/** What one connection has got. */
interface Reading {
  readonly whole: boolean;
  readonly measured: boolean;
  held: Record<string, unknown> | undefined;
  mark: number | undefined;
  offset: number | undefined;
}

/**
 * Connections that read levels and job events at once. Offsets are looked at on all of them, prices on some and whole frames on few,
 * because they share the machine with the server that is measured.
 */
export class LoadReaders {
  readonly readers: readonly RawReader[];
  readonly #readings: Map<RawReader, Reading>;
  /** Trades from after one number up to another arrived at one connection; three numbers each. */
  #arrivals: number[] = [];
  #delays = new DelayHistogram();
  levelFrames = 0;
  eventFrames = 0;
  /** Offsets that came twice, not in turn or not at all, and frames that did not continue what was held. */
  readonly faults: string[] = [];

  private constructor(readings: Map<RawReader, Reading>, readers: readonly RawReader[]) {
    this.#readings = readings;
    this.readers = readers;
  }

  static async open(port: number, count: number): Promise<LoadReaders> {
    const readings = new Map<RawReader, Reading>();
    let made: LoadReaders | undefined;
    const readers = await RawReader.connectMany(count, (at) => ({
      port,
      commands: COMMANDS,
      onFrame: (reader, text) => {
        let reading = readings.get(reader);
        if (reading === undefined) {
          const [whole, measured] = [at % WHOLE_EVERY === 0, at % MEASURED_EVERY === 0];
          reading = { whole, measured, held: undefined, mark: undefined, offset: undefined };
          readings.set(reader, reading);
        }
        take(reading, text, made);
      },
    }));
    made = new LoadReaders(readings, readers);
    return made;
  }

  get measured(): number {
    return [...this.#readings.values()].filter(({ measured }) => measured).length;
  }

  get subscribed(): boolean {
    const readings = [...this.#readings.values()];
    return readings.length === this.readers.length && readings.every(({ offset }) => offset !== undefined);
  }

  get closed(): readonly number[] {
    return this.readers.flatMap(({ closeCode }) => (closeCode === undefined ? [] : [closeCode]));
  }

  /** Offset that every connection has reached. */
  get offset(): number {
    return Math.min(...[...this.#readings.values()].map(({ offset }) => offset ?? 0));
  }

  arrived(from: number, to: number): void {
    const step = (to - from + MARKS) % MARKS;
    if (step > 0 && step < STEP_MAX) this.#arrivals.push(from, to, epochMs());
  }

  /** Turns arrivals into delays; `sentTimes` answers when trades were sent, and is asked after all of these have arrived. */
  async fold(sentTimes: () => Promise<Float64Array>): Promise<void> {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const sentMs = await sentTimes();
    for (let at = 0; at < arrivals.length; at += 3) {
      const [from, to, atMs] = [arrivals[at]!, arrivals[at + 1]!, arrivals[at + 2]!];
      for (let mark = (from + 1) % MARKS; ; mark = (mark + 1) % MARKS) {
        this.#delays.add(atMs - sentMs[mark]!);
        if (mark === to) break;
      }
    }
  }

  /** The delays since the last call. */
  takeDelays(): DelayHistogram {
    const taken = this.#delays;
    this.#delays = new DelayHistogram();
    return taken;
  }
}

function take(reading: Reading, text: Buffer, readers: LoadReaders | undefined): void {
  if (text[NAME_AT] === LETTER_L) {
    if (readers !== undefined) readers.levelFrames += 1;
    takeLevels(reading, text, readers);
  } else if (text.indexOf('"push"') === 1) {
    if (readers !== undefined) readers.eventFrames += 1;
    takeEvent(reading, text, readers);
  } else takeReply(reading, text);
}

function takeLevels(reading: Reading, text: Buffer, readers: LoadReaders | undefined): void {
  if (reading.whole) {
    const { data } = JSON.parse(text.toString()).push.pub;
    if (reading.held?.["revision"] !== data.previous_revision)
      readers?.faults.push(
        `a frame from ${data.previous_revision} came to a holder of ${reading.held?.["revision"]}`,
      );
    reading.held = applyChangedFields(reading.held ?? {}, data);
  }
  if (!reading.measured) return;
  const at = text.indexOf(LAST);
  if (at < 0) return;
  const price = /^[0-9.]+/.exec(
    text.toString("latin1", at + LAST.length, Math.min(text.length, at + LAST.length + LAST_CHARS_MAX)),
  );
  if (price === null) return;
  const mark = markOf(price[0]);
  if (reading.mark !== undefined) readers?.arrived(reading.mark, mark);
  reading.mark = mark;
}

function takeEvent(reading: Reading, text: Buffer, readers: LoadReaders | undefined): void {
  const tail = text.toString("latin1", Math.max(0, text.length - OFFSET_CHARS_MAX), text.length);
  const offset = /"offset":(\d+)/.exec(tail)?.[1];
  // Progress has none.
  if (offset === undefined) return;
  if (reading.offset !== undefined && Number(offset) !== reading.offset + 1)
    readers?.faults.push(`offset ${offset} came after ${reading.offset}`);
  reading.offset = Number(offset);
}

function takeReply(reading: Reading, text: Buffer): void {
  for (const line of text.toString().split("\n")) {
    const { subscribe, error } = JSON.parse(line);
    if (error !== undefined) throw new Error(`a command was refused: ${line}`);
    if (subscribe?.offset !== undefined) reading.offset = subscribe.offset;
    if (subscribe?.data !== undefined && reading.whole) reading.held = subscribe.data;
  }
}
