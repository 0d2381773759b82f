/**
 * The lowest index in [0, last] that passes, where all indexes above one that passes do and `last` does, by halves.
 * `passes` is asked of indexes within [from, to), a range that only shrinks.
 */
export function lowestPassing(
  last: number,
  passes: (index: number, from: number, to: number) => boolean,
): number {
  let from = 0;
  let to = last;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (passes(middle, from, to)) to = middle;
    else from = middle + 1;
  }
  return to;
}
