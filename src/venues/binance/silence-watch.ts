import type { Timers } from "../../core/mod.ts";

/** How long a stream may be quiet before the venue is asked whether the market is, ms. */
const SILENCE_MS_MAX = 30_000;
/** How long a trade that the venue knows may be under way to us, ms. */
const GRACE_MS = 2_000;
/** Streams asked about in one look; looks come three times in the allowed silence. Bounds the weight spent. */
const CHECKS_PER_LOOK = 5;

export interface SilenceWatchOptions {
  readonly symbols: readonly string[];
  readonly timers: Timers;
  /** Default 30,000. */
  readonly silenceMsMax?: number | undefined;
  /** Default 2000. */
  readonly graceMs?: number | undefined;
  /** The venue's newest trade id of the kind that is streamed; −1 when there is none. May fail: then nothing is known. */
  readonly newestId: (symbol: string) => Promise<number>;
  /** The venue has newer trades of the symbol than the stream brought. */
  readonly onSilent: (symbol: string) => void;
}

interface Stream {
  /** Largest id that came, or that the venue knew at the first look; undefined before either. */
  knownId: number | undefined;
  quietSinceMs: number;
  askedAtMs: number;
}

/** Tells a silent subscription from a quiet market, for the streams of one connection. */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #silenceMsMax: number;
  readonly #streams: Map<string, Stream>;
  #cancelTimer: () => void = () => {};
  readonly #cancelGraces = new Set<() => void>();
  #running = true;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.#silenceMsMax = options.silenceMsMax ?? SILENCE_MS_MAX;
    const now = options.timers.now();
    this.#streams = new Map(
      options.symbols.map((symbol) => [
        symbol,
        { knownId: undefined, quietSinceMs: now, askedAtMs: Number.NEGATIVE_INFINITY },
      ]),
    );
    this.#schedule();
  }

  /** A trade came. */
  saw(symbol: string, id: number): void {
    const stream = this.#streams.get(symbol);
    if (stream === undefined) return;
    stream.quietSinceMs = this.#options.timers.now();
    stream.knownId = Math.max(id, stream.knownId ?? id);
  }

  stop(): void {
    this.#running = false;
    this.#cancelTimer();
    for (const cancel of this.#cancelGraces) cancel();
  }

  #schedule(): void {
    this.#cancelTimer = this.#options.timers.after(this.#silenceMsMax / 3, () => {
      this.#look();
      this.#schedule();
    });
  }

  /** Asks about the streams that are due, the longest unasked first. A stream without any id is asked about early. */
  #look(): void {
    const now = this.#options.timers.now();
    const due = [...this.#streams]
      .filter(([, { knownId, quietSinceMs, askedAtMs }]) => {
        if (knownId === undefined) return askedAtMs < now - this.#silenceMsMax / 3;
        return now - quietSinceMs >= this.#silenceMsMax && now - askedAtMs >= this.#silenceMsMax / 2;
      })
      .sort(([, a], [, b]) => a.askedAtMs - b.askedAtMs)
      .slice(0, CHECKS_PER_LOOK);
    for (const [symbol, stream] of due) {
      stream.askedAtMs = now;
      void this.#ask(symbol, stream);
    }
  }

  async #ask(symbol: string, stream: Stream): Promise<void> {
    let newest: number;
    try {
      newest = await this.#options.newestId(symbol);
    } catch {
      // The venue did not answer, so it proves nothing; the next look asks again.
      return;
    }
    if (!this.#running) return;
    if (stream.knownId === undefined) stream.knownId = newest;
    if (newest <= stream.knownId) return;
    const cancel = this.#options.timers.after(this.#options.graceMs ?? GRACE_MS, () => {
      this.#cancelGraces.delete(cancel);
      if (stream.knownId === undefined || stream.knownId < newest) this.#options.onSilent(symbol);
    });
    this.#cancelGraces.add(cancel);
  }
}
