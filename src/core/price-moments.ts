/**
 * Σ price·size and Σ price²·size, exactly, at the cost of a few double operations a trade.
 *
 * With d = price − base, Σ p·s = base·V + Σ d·s and Σ p²·s = base²·V + 2·base·Σ d·s + Σ d²·s (V = Σ s). Within a minute
 * d is small, so its products are gathered in doubles as long as that is exact and moved into a bigint before it is
 * not. One bigint product a trade would cost about ten times as much.
 */
export class PriceMoments {
  readonly #base: number;
  readonly #first = new ExactSum();
  readonly #second = new ExactSum();

  /** `base` any price near those that come, price units. */
  constructor(base: number) {
    this.#base = base;
  }

  /** A trade; `price` and `size` safe integers. */
  add(price: number, size: number): void {
    const d = price - this.#base;
    // A product of two safe integers beyond 2^53 − 1 never rounds to a safe integer, so the check sees it.
    const first = d * size;
    if (!Number.isSafeInteger(first)) {
      const exact = BigInt(d) * BigInt(size);
      this.#first.addBig(exact);
      this.#second.addBig(exact * BigInt(d));
      return;
    }
    this.#first.add(first);
    const second = d * first;
    if (Number.isSafeInteger(second)) this.#second.add(second);
    else this.#second.addBig(BigInt(d) * BigInt(first));
  }

  /** Both sums of all trades added, whose sizes add up to `volume`. */
  sums(volume: number): { readonly quoteVolume: bigint; readonly squareVolume: bigint } {
    const base = BigInt(this.#base);
    const ofBase = base * BigInt(volume);
    const first = this.#first.value;
    return {
      quoteVolume: ofBase + first,
      squareVolume: base * (ofBase + 2n * first) + this.#second.value,
    };
  }
}

/** Σ of integers of either sign, exactly. */
class ExactSum {
  #big = 0n;
  #small = 0;

  /** `value` a safe integer. */
  add(value: number): void {
    const sum = this.#small + value;
    if (Number.isSafeInteger(sum)) this.#small = sum;
    else {
      this.#big += BigInt(this.#small);
      this.#small = value;
    }
  }

  addBig(value: bigint): void {
    this.#big += value;
  }

  get value(): bigint {
    return this.#big + BigInt(this.#small);
  }
}
