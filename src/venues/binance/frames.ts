import * as v from "valibot";
import {
  DecimalError,
  type Instrument,
  type TradeBatch,
  type TradeKind,
  type TradeText,
} from "../../core/mod.ts";
import { AggTradeEvent, EventEnvelope, NamedEvent, StreamFrame, TradeEvent } from "./messages.ts";
import { singleTrade, timeUsOf } from "./parse.ts";
import { bannedUntilMs } from "./refusal.ts";

/** Marks of prints that are no market trades (futures): the insurance fund and auto-deleveraging. */
const NO_MARKET_TRADE: ReadonlySet<string> = new Set(["INSURANCE_FUND", "ADL"]);

/** What a frame turned out to be. */
export type FrameReading =
  | { readonly kind: "trade"; readonly symbol: string; readonly id: number; readonly batch: TradeBatch }
  /** A print that is no market trade. */
  | { readonly kind: "dropped"; readonly symbol: string; readonly id: number }
  /** Another event, an acknowledgement, the other kind of trade, a symbol we did not ask for. */
  | { readonly kind: "ignored" }
  /** Should have been a trade, or is no JSON at all. */
  | { readonly kind: "faulty" }
  /** The venue is about to close this connection. */
  | { readonly kind: "shutdown" }
  /** Words instead of data: this address is shut out until a time by the venue's clock, ms. */
  | { readonly kind: "banned"; readonly untilMs: number };

/** Reads frames of one kind of trades; never throws. */
export class FrameReader {
  readonly #kind: TradeKind;
  readonly #suffix: string;
  readonly #event: string;
  readonly #instruments: ReadonlyMap<string, Instrument>;

  constructor(kind: TradeKind, instruments: readonly Instrument[]) {
    this.#kind = kind;
    this.#event = kind === "aggregate" ? "aggTrade" : "trade";
    this.#suffix = `@${this.#event}`;
    this.#instruments = new Map(instruments.map((instrument) => [instrument.symbol, instrument]));
  }

  /** Reads one frame; anything but text is faulty. */
  read(frame: unknown): FrameReading {
    if (typeof frame !== "string") return { kind: "faulty" };
    let json: unknown;
    try {
      json = JSON.parse(frame);
    } catch {
      const untilMs = bannedUntilMs(frame);
      return untilMs === undefined ? { kind: "faulty" } : { kind: "banned", untilMs };
    }
    const combined = v.safeParse(StreamFrame, json);
    const data = combined.success ? combined.output.data : json;
    const named = v.safeParse(NamedEvent, data);
    if (named.success && named.output.e === this.#event) return this.#trade(data);
    if (named.success)
      return named.output.e === "serverShutdown" ? { kind: "shutdown" } : { kind: "ignored" };
    if (combined.success && combined.output.stream.endsWith(this.#suffix)) return { kind: "faulty" };
    const event = v.safeParse(EventEnvelope, json);
    return event.success && event.output.event.e === "serverShutdown"
      ? { kind: "shutdown" }
      : { kind: "ignored" };
  }

  #trade(data: unknown): FrameReading {
    const event = this.#kind === "aggregate" ? aggregateOf(data) : rawOf(data);
    if (event === undefined) return { kind: "faulty" };
    const { symbol, mark, text } = event;
    const instrument = this.#instruments.get(symbol);
    if (instrument === undefined) return { kind: "ignored" };
    const dropped = { kind: "dropped", symbol, id: text.id } as const;
    if (mark !== undefined && NO_MARKET_TRADE.has(mark)) return dropped;
    try {
      const batch = singleTrade(this.#kind, instrument, text);
      return batch === undefined ? dropped : { kind: "trade", symbol, id: text.id, batch };
    } catch (thrown) {
      if (thrown instanceof DecimalError) return { kind: "faulty" };
      throw thrown;
    }
  }
}

interface ReadEvent {
  readonly symbol: string;
  readonly mark: string | undefined;
  readonly text: TradeText;
}

function aggregateOf(data: unknown): ReadEvent | undefined {
  const parsed = v.safeParse(AggTradeEvent, data);
  if (!parsed.success) return undefined;
  const { s, a, p, q, f, l, T, m, X } = parsed.output;
  const text = { id: a, timeUs: timeUsOf(T), price: p, size: q, firstId: f, lastId: l, buy: !m };
  return { symbol: s, mark: X, text };
}

function rawOf(data: unknown): ReadEvent | undefined {
  const parsed = v.safeParse(TradeEvent, data);
  if (!parsed.success) return undefined;
  const { s, t, p, q, T, m, X } = parsed.output;
  const text = { id: t, timeUs: timeUsOf(T), price: p, size: q, firstId: t, lastId: t, buy: !m };
  return { symbol: s, mark: X, text };
}
