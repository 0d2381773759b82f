import { DecimalError, fractionDigits, parseUnits, pow10, SCALE_MAX } from "./decimal.ts";
import { finestScales, type Scales, sameScales } from "./instrument.ts";
import { invariant } from "./invariant.ts";

/** Aggregate trades and raw trades count with different ids: two kinds of tape that are never mixed. */
export type TradeKind = "aggregate" | "raw";

/**
 * Trades in columns, in the venue's order. Row i of every column is one trade.
 *
 * `id` the venue's id; `timeUs` exchange time, microseconds since the epoch; `price` and `size` integers at `scales`;
 * `firstId`/`lastId` the raw trades an aggregate stands for (equal to `id` for raw trades); `buy` 1 when the
 * aggressor bought, else 0.
 */
export interface TradeBatch {
  readonly kind: TradeKind;
  readonly scales: Scales;
  readonly length: number;
  readonly id: Float64Array;
  readonly timeUs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly firstId: Float64Array;
  readonly lastId: Float64Array;
  readonly buy: Uint8Array;
}

/** One trade as a venue writes it: decimal strings still unparsed. */
export interface TradeText {
  readonly id: number;
  readonly timeUs: number;
  readonly price: string;
  readonly size: string;
  readonly firstId: number;
  readonly lastId: number;
  readonly buy: boolean;
}

const COLUMNS = ["id", "timeUs", "price", "size", "firstId", "lastId"] as const;

/** Collects trades into columns; its scales grow when a price or size needs more digits than they hold. */
export class TradeBatchBuilder {
  readonly kind: TradeKind;
  #scales: Scales;
  #length = 0;
  #capacity: number;
  #columns: Record<(typeof COLUMNS)[number], Float64Array>;
  #buy: Uint8Array;

  constructor(kind: TradeKind, scales: Scales, capacity = 1_024) {
    this.kind = kind;
    this.#scales = scales;
    this.#capacity = Math.max(1, capacity);
    this.#columns = {
      id: new Float64Array(this.#capacity),
      timeUs: new Float64Array(this.#capacity),
      price: new Float64Array(this.#capacity),
      size: new Float64Array(this.#capacity),
      firstId: new Float64Array(this.#capacity),
      lastId: new Float64Array(this.#capacity),
    };
    this.#buy = new Uint8Array(this.#capacity);
  }

  get length(): number {
    return this.#length;
  }

  get scales(): Scales {
    return this.#scales;
  }

  /**
   * Adds a trade; answers false (and adds nothing) for a print without price or size, which is no trade.
   * Throws {@link DecimalError} when a decimal cannot be read; the batch is then unchanged.
   */
  push(trade: TradeText): boolean {
    const needs = finestScales(this.#scales, {
      priceScale: fractionDigits(trade.price),
      sizeScale: fractionDigits(trade.size),
    });
    const price = parseUnits(trade.price, needs.priceScale);
    const size = parseUnits(trade.size, needs.sizeScale);
    if (price === 0 || size === 0) return false;
    if (!sameScales(needs, this.#scales)) this.growScales(needs);
    if (this.#length === this.#capacity) this.#grow();
    const i = this.#length++;
    const columns = this.#columns;
    columns.id[i] = trade.id;
    columns.timeUs[i] = trade.timeUs;
    columns.price[i] = price;
    columns.size[i] = size;
    columns.firstId[i] = trade.firstId;
    columns.lastId[i] = trade.lastId;
    this.#buy[i] = trade.buy ? 1 : 0;
    return true;
  }

  /**
   * Appends every trade of another batch of the same kind. Throws {@link DecimalError} (`range`) when the finer of both
   * scales leaves no safe integers; the builder is then unchanged.
   */
  append(batch: TradeBatch): void {
    invariant(batch.kind === this.kind, `a ${this.kind} batch takes no ${batch.kind} trades`);
    const finest = finestScales(this.#scales, batch.scales);
    const source = rescaleBatch(batch, finest);
    this.growScales(finest);
    while (this.#length + source.length > this.#capacity) this.#grow();
    for (const name of COLUMNS)
      this.#columns[name].set(source[name].subarray(0, source.length), this.#length);
    this.#buy.set(source.buy.subarray(0, source.length), this.#length);
    this.#length += source.length;
  }

  /** {@link append} of one row of a batch, without a view of it: 0.1 µs where its scales are the builder's, and not 2. */
  appendRow(batch: TradeBatch, row: number): void {
    if (!sameScales(batch.scales, this.#scales) || batch.kind !== this.kind) {
      this.append(sliceBatch(batch, row, row + 1));
      return;
    }
    if (this.#length === this.#capacity) this.#grow();
    const i = this.#length++;
    const columns = this.#columns;
    columns.id[i] = batch.id[row]!;
    columns.timeUs[i] = batch.timeUs[row]!;
    columns.price[i] = batch.price[row]!;
    columns.size[i] = batch.size[row]!;
    columns.firstId[i] = batch.firstId[row]!;
    columns.lastId[i] = batch.lastId[row]!;
    this.#buy[i] = batch.buy[row]!;
  }

  /** Makes room for more fraction digits. Batches handed out before keep the scales they have. */
  growScales(scales: Scales): void {
    const finest = finestScales(this.#scales, scales);
    if (sameScales(finest, this.#scales)) return;
    const price = this.#columns.price.slice();
    const size = this.#columns.size.slice();
    scaleColumn(price, this.#length, finest.priceScale - this.#scales.priceScale);
    scaleColumn(size, this.#length, finest.sizeScale - this.#scales.sizeScale);
    this.#columns = { ...this.#columns, price, size };
    this.#scales = finest;
  }

  /** The trades so far, as a view that later pushes leave alone. */
  build(): TradeBatch {
    const columns = this.#columns;
    const end = this.#length;
    return {
      kind: this.kind,
      scales: this.#scales,
      length: end,
      id: columns.id.subarray(0, end),
      timeUs: columns.timeUs.subarray(0, end),
      price: columns.price.subarray(0, end),
      size: columns.size.subarray(0, end),
      firstId: columns.firstId.subarray(0, end),
      lastId: columns.lastId.subarray(0, end),
      buy: this.#buy.subarray(0, end),
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    for (const name of COLUMNS) {
      const wider = new Float64Array(this.#capacity);
      wider.set(this.#columns[name]);
      this.#columns[name] = wider;
    }
    const wider = new Uint8Array(this.#capacity);
    wider.set(this.#buy);
    this.#buy = wider;
  }
}

function scaleColumn(column: Float64Array, length: number, digits: number): void {
  if (digits === 0) return;
  invariant(
    digits > 0 && digits <= SCALE_MAX,
    `scales only grow, by ${SCALE_MAX} digits at most, not by ${digits}`,
  );
  const factor = pow10(digits);
  for (let i = 0; i < length; i++) {
    const scaled = column[i]! * factor;
    if (!Number.isSafeInteger(scaled))
      throw new DecimalError(
        "range",
        String(column[i]),
        `${column[i]} units × 10^${digits} is beyond 2^53 − 1`,
      );
    column[i] = scaled;
  }
}

/** The same trades at finer scales (the batch itself when they are equal). Throws {@link DecimalError} (`range`). */
export function rescaleBatch(batch: TradeBatch, scales: Scales): TradeBatch {
  if (sameScales(batch.scales, scales)) return batch;
  const price = batch.price.slice(0, batch.length);
  const size = batch.size.slice(0, batch.length);
  scaleColumn(price, batch.length, scales.priceScale - batch.scales.priceScale);
  scaleColumn(size, batch.length, scales.sizeScale - batch.scales.sizeScale);
  return { ...batch, scales, price, size };
}

/** Rows `[from, to)` of a batch, sharing its memory. */
export function sliceBatch(batch: TradeBatch, from: number, to: number): TradeBatch {
  return {
    kind: batch.kind,
    scales: batch.scales,
    length: to - from,
    id: batch.id.subarray(from, to),
    timeUs: batch.timeUs.subarray(from, to),
    price: batch.price.subarray(from, to),
    size: batch.size.subarray(from, to),
    firstId: batch.firstId.subarray(from, to),
    lastId: batch.lastId.subarray(from, to),
    buy: batch.buy.subarray(from, to),
  };
}

/**
 * The batch in ascending id order with each id once, keeping the first row of an id; and how many rows were dropped.
 * A batch that is already so is answered as it is.
 */
export function sortedUnique(batch: TradeBatch): { readonly batch: TradeBatch; readonly duplicates: number } {
  let ordered = true;
  for (let i = 1; i < batch.length && ordered; i++) ordered = batch.id[i]! > batch.id[i - 1]!;
  if (ordered) return { batch, duplicates: 0 };
  const rows = Array.from({ length: batch.length }, (_, i) => i).sort(
    (a, b) => batch.id[a]! - batch.id[b]! || a - b,
  );
  const kept = rows.filter((row, i) => i === 0 || batch.id[row] !== batch.id[rows[i - 1]!]);
  return { batch: pickRows(batch, kept), duplicates: batch.length - kept.length };
}

/** The given rows of a batch, in the given order, in new columns. */
export function pickRows(batch: TradeBatch, rows: readonly number[]): TradeBatch {
  const pick = (column: Float64Array) => Float64Array.from(rows, (row) => column[row]!);
  return {
    kind: batch.kind,
    scales: batch.scales,
    length: rows.length,
    id: pick(batch.id),
    timeUs: pick(batch.timeUs),
    price: pick(batch.price),
    size: pick(batch.size),
    firstId: pick(batch.firstId),
    lastId: pick(batch.lastId),
    buy: Uint8Array.from(rows, (row) => batch.buy[row]!),
  };
}
