/** How much farther from the expected place each further look is. */
const STRIDE_GROWTH = 8;

/**
 * The lowest index in [0, last] that passes, where all indexes above one that passes do and `last` does: by halves, or
 * outwards from `near`, where it is expected. `passes` is asked of indexes within [from, to), a range that only shrinks.
 */
export function lowestPassing(
  last: number,
  near: number | undefined,
  passes: (index: number, from: number, to: number) => boolean,
): number {
  let from = 0;
  let to = last;
  if (near !== undefined) {
    let probe = Math.min(Math.max(near, from), to - 1);
    let stride = 1;
    let below: boolean | undefined;
    while (from < to) {
      const passed = passes(probe, from, to);
      if (passed) to = probe;
      else from = probe + 1;
      // Once it lies between two looks.
      if (below !== undefined && below !== passed) break;
      below = passed;
      probe = passed ? Math.max(from, to - stride) : Math.min(to - 1, from - 1 + stride);
      stride *= STRIDE_GROWTH;
    }
  }
  while (from < to) {
    const middle = (from + to) >> 1;
    if (passes(middle, from, to)) to = middle;
    else from = middle + 1;
  }
  return to;
}
