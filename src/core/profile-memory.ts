/** Bytes that are kept for the next profile: those of two whole years at once, as a comparison needs them. */
const KEPT_BYTES_MAX = 32 * 2 ** 20;
const DOUBLE_BYTES = 8;

/**
 * Memory of profiles that live no longer than an answer. A year's takes some 14 MB, and asking the system for so much anew costs
 * 15 ms where folding it takes 3; so what a profile gives back serves the next one.
 */
export class ProfileMemory {
  /** By length, a power of two. */
  readonly #kept = new Map<number, Float64Array[]>();
  readonly #keptBytesMax: number;
  #keptBytes = 0;

  constructor({ keptBytesMax = KEPT_BYTES_MAX }: { readonly keptBytesMax?: number } = {}) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** Memory that waits for the next profile. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** At least so many doubles, with anything in them. */
  take(doubles: number): Float64Array {
    const length = 2 ** Math.ceil(Math.log2(Math.max(1, doubles)));
    const kept = this.#kept.get(length)?.pop();
    if (kept === undefined) return new Float64Array(length);
    this.#keptBytes -= length * DOUBLE_BYTES;
    return kept;
  }

  /** Takes back what {@link take} gave; what would be too much to keep is left to the garbage collector. */
  give(memory: Float64Array): void {
    const bytes = memory.length * DOUBLE_BYTES;
    if (this.#keptBytes + bytes > this.#keptBytesMax) return;
    this.#keptBytes += bytes;
    const alike = this.#kept.get(memory.length);
    if (alike === undefined) this.#kept.set(memory.length, [memory]);
    else alike.push(memory);
  }
}
