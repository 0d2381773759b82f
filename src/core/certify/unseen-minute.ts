import { MOMENT_MAX, type Moment } from "./moment.ts";
import type { CandleField, CertifyGrid, SkeletonCandle } from "./skeleton-candle.ts";

/**
 * A closed minute whose trades are not loaded, made ready for reckoning: its prices are the steps 0…span above `low`,
 * each `stepUnits` wide; its volume is counted in lots of `lotUnits`.
 */
export interface UnseenMinute {
  readonly minute: number;
  readonly candle: SkeletonCandle;
  readonly binUnits: number;
  readonly firstBin: number;
  readonly lastBin: number;
  /** Lowest price, price units. */
  readonly low: number;
  readonly stepUnits: number;
  readonly span: number;
  readonly lotUnits: number;
  readonly lots: number;
  /** Steps that are known to have printed, a lot each at least, ascending. */
  readonly prints: readonly number[];
  /** One of all trades, or one of the buys and one of the sells; none where the mean price is unknown. */
  readonly moments: readonly Moment[];
  /** The moment is of what is left after one lot for each print. */
  readonly reserved: boolean;
  /** Lots at the first and the last step, where the trades are so few that they are known. */
  readonly atEnds: readonly [low: number, high: number] | undefined;
  /** The field by which the candle contradicts itself; then nothing but its volume and its range is believed. */
  readonly inconsistent: CandleField | undefined;
}

/** Undefined for a candle without volume, which stands for a minute without trades. */
export function unseenMinute(candle: SkeletonCandle, grid: CertifyGrid): UnseenMinute | undefined {
  if (candle.volume === 0) return undefined;
  const ladder = ladderOf(candle, grid);
  const found = contradiction(candle) ?? reckon(candle, ladder);
  return typeof found === "object"
    ? { ...ladder, ...found, inconsistent: undefined }
    : { ...ladder, ...NOTHING_KNOWN, inconsistent: found };
}

type Ladder = Omit<UnseenMinute, "prints" | "moments" | "reserved" | "atEnds" | "inconsistent">;
type Known = Pick<UnseenMinute, "prints" | "moments" | "reserved" | "atEnds">;

const NOTHING_KNOWN: Known = { prints: [], moments: [], reserved: false, atEnds: undefined };

function ladderOf(candle: SkeletonCandle, { binUnits, tickUnits = 1, lotUnits = 1 }: CertifyGrid): Ladder {
  const { open, high, low, close, volume } = candle;
  const lowest = Math.min(open, high, low, close);
  const highest = Math.max(open, high, low, close);
  const onTicks = [open, high, low, close].every((price) => price % tickUnits === 0);
  const onLots = volume % lotUnits === 0 && (candle.buyVolume ?? 0) % lotUnits === 0;
  const cell = BigInt(tickUnits) * BigInt(lotUnits);
  const onGrid =
    onTicks && onLots && [candle.quoteVolume, candle.buyQuoteVolume].every((q) => (q ?? 0n) % cell === 0n);
  // A candle off the grid shows that its grid was another one.
  const stepUnits = onGrid ? tickUnits : 1;
  const lot = onGrid ? lotUnits : 1;
  return {
    minute: candle.minute,
    candle,
    binUnits,
    firstBin: Math.floor(lowest / binUnits),
    lastBin: Math.floor(highest / binUnits),
    low: lowest,
    stepUnits,
    span: (highest - lowest) / stepUnits,
    lotUnits: lot,
    lots: volume / lot,
  };
}

function contradiction(candle: SkeletonCandle): CandleField | undefined {
  const { open, high, low, close, volume, buyVolume } = candle;
  if (low > high) return "low";
  if (open < low || open > high) return "open";
  if (close < low || close > high) return "close";
  if (buyVolume !== undefined && buyVolume > volume) return "buyVolume";
  return undefined;
}

/** What follows from the fields, or the field that no set of trades agrees with. */
function reckon(candle: SkeletonCandle, ladder: Ladder): Known | CandleField {
  const { quoteVolume, buyVolume, buyQuoteVolume, rawCount } = candle;
  const { span, lots } = ladder;
  const stepOf = (price: number) => (price - ladder.low) / ladder.stepUnits;
  const open = stepOf(candle.open);
  const close = stepOf(candle.close);
  const prints = [...new Set([0, span, open, close])].sort((a, b) => a - b);
  if (lots < prints.length) return "volume";
  // Open and close are two trades unless there is but one; the ends, where they are neither, are further ones.
  const ends = prints.filter((step) => step !== open && step !== close).length;
  const fewest = prints.length === 1 ? 1 : 2 + ends;
  if (rawCount !== undefined && (rawCount < fewest || rawCount > lots)) return "rawCount";
  const alone = span === 0 ? ([lots, 0] as const) : undefined;
  if (quoteVolume === undefined) return { ...NOTHING_KNOWN, prints, atEnds: alone };

  const all = momentOf(lots, quoteVolume, ladder);
  const left = all && without(all, prints, span);
  if (all === undefined || left === undefined) return "quoteVolume";
  if (alone !== undefined) return { ...NOTHING_KNOWN, prints, atEnds: alone };
  if (rawCount === 2 || span === 1) {
    // Nothing but the two ends has printed, so the mean says how much at each.
    const high = exactMoment(all) / BigInt(span);
    if (high * BigInt(span) !== exactMoment(all)) return "quoteVolume";
    return { ...NOTHING_KNOWN, prints, atEnds: [lots - Number(high), Number(high)] };
  }
  if (buyVolume === undefined || buyQuoteVolume === undefined)
    return { prints, moments: [left], reserved: true, atEnds: undefined };
  const bought = momentOf(buyVolume / ladder.lotUnits, buyQuoteVolume, ladder);
  if (bought === undefined) return "buyQuoteVolume";
  const sold = momentOf(lots - bought.lots, quoteVolume - buyQuoteVolume, ladder);
  if (sold === undefined) return "buyQuoteVolume";
  return { prints, moments: [bought, sold], reserved: false, atEnds: undefined };
}

/** Undefined where no spread over the ladder has that quote volume. */
function momentOf(lots: number, quote: bigint, ladder: Ladder): Moment | undefined {
  const { low, stepUnits, lotUnits, span } = ladder;
  const wideLots = BigInt(lots);
  const wideMoment =
    (quote - wideLots * BigInt(lotUnits) * BigInt(low)) / (BigInt(stepUnits) * BigInt(lotUnits));
  if (quote < wideLots * BigInt(lotUnits) * BigInt(low) || wideMoment > wideLots * BigInt(span))
    return undefined;
  const moment = Number(wideMoment);
  return lots * span <= MOMENT_MAX
    ? { lots, moment }
    : { lots, moment, wide: { lots: wideLots, moment: wideMoment } };
}

/** What is left of a moment after one lot for each print; undefined where the prints alone contradict it. */
function without(all: Moment, prints: readonly number[], span: number): Moment | undefined {
  const lots = all.lots - prints.length;
  const moment = exactMoment(all) - BigInt(prints.reduce((sum, step) => sum + step, 0));
  if (moment < 0n || moment > BigInt(lots) * BigInt(span)) return undefined;
  return all.wide === undefined
    ? { lots, moment: Number(moment) }
    : { lots, moment: Number(moment), wide: { lots: BigInt(lots), moment } };
}

function exactMoment({ moment, wide }: Moment): bigint {
  return wide?.moment ?? BigInt(moment);
}
