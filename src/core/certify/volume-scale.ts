/** Leading bits of a double that tell its power of two and 1/32 of it. */
const MANTISSA_BITS = 5;
const DROPPED_BITS = 20 - MANTISSA_BITS;
/** Those of 1. */
const LEAST = 1_023 << MANTISSA_BITS;
/** Whether the second of a double's two halves is the upper one on this machine. */
const UPPER_HALF = new Uint32Array(Float64Array.of(1).buffer)[1] === 0 ? 0 : 1;

/** Volumes that an even scale has, at most; a power of two, as the distance between them is. */
const EVEN_MAX = 512;

/** Buckets of any scale, at most: of safe integers on a rough one, and one more. */
export const BUCKETS_MAX = (53 << MANTISSA_BITS) + 1;

/** Ascending volumes, integers. Bucket 0 is for volumes up to number 0, bucket i for those above number i − 1 up to number i. */
export interface VolumeScale {
  /** The last number. */
  readonly last: number;
  readonly volumeAt: (number: number) => number;
  /** The bucket of each volume, which are integers ≥ 0 and at most the last. */
  readonly bucketsOf: (volumes: Float64Array) => Uint16Array;
}

/** The buckets of volumes on a rough scale from 0 on: those in one differ by less than a 32nd; 0 has one of its own. */
export function roughBuckets(volumes: Float64Array): Uint16Array {
  // Positive doubles have the order of their bits.
  const halves = new Uint32Array(volumes.buffer, volumes.byteOffset, volumes.length * 2);
  const buckets = new Uint16Array(volumes.length);
  for (let i = 0; i < volumes.length; i++) {
    const leading = halves[2 * i + UPPER_HALF]! >>> DROPPED_BITS;
    buckets[i] = leading < LEAST ? 0 : leading - LEAST + 1;
  }
  return buckets;
}

/** From 0 to `to`, with small distances between small volumes and large ones between large. */
export function roughScale(to: number): VolumeScale {
  const last = roughBuckets(Float64Array.of(to))[0]!;
  const parts = 1 << MANTISSA_BITS;
  return {
    last,
    bucketsOf: roughBuckets,
    volumeAt: (number) =>
      number === last ? to : Math.ceil(2 ** (number >> MANTISSA_BITS) * (1 + (number % parts) / parts)) - 1,
  };
}

/** From one volume to another at equal distances, but for the last. */
export function evenScale(from: number, to: number): VolumeScale {
  let step = 1;
  while (step * EVEN_MAX < to - from) step *= 2;
  // A product with a power of two is exact.
  const scale = 1 / step;
  return {
    last: Math.ceil((to - from) * scale),
    volumeAt: (number) => Math.min(to, from + number * step),
    bucketsOf: (volumes) => {
      const buckets = new Uint16Array(volumes.length);
      for (let i = 0; i < volumes.length; i++)
        buckets[i] = volumes[i]! <= from ? 0 : (((volumes[i]! - from - 1) * scale) | 0) + 1;
      return buckets;
    },
  };
}
