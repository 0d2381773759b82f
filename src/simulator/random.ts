/** Seeded arithmetic noise: the same numbers from the same seeds, on any day and in any order. */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const TWO_32 = 4_294_967_296;

/** 32-bit FNV-1a hash of a text. */
export function hashText(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}

/** Mixes two 32-bit integers into one (the finaliser of MurmurHash3). */
export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** A number in [0, 1) that depends on `a` and `b` alone. */
export function unitOf(a: number, b: number): number {
  return mix(a, b) / TWO_32;
}

/** A generator of 32-bit integers. */
export interface Prng {
  /** The next integer in [0, 2^32). */
  next(): number;
  /** The next number in [0, 1). */
  unit(): number;
}

/** Mulberry32 (T. Ettinger, public domain): small and fast; good enough for a market that is made up. */
export function createPrng(seed: number): Prng {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { next, unit: () => next() / TWO_32 };
}
