/** The lowest index in [0, last] that passes, where all indexes above one that passes do and `last` does, by halves. */
export function lowestPassing(last: number, passes: (index: number) => boolean): number {
  return between(0, last, passes);
}

/** {@link lowestPassing} in growing steps from 0 first: for tests that take longer the higher the index. */
export function lowestPassingNear(last: number, passes: (index: number) => boolean): number {
  let from = 0;
  for (let step = 1; from < last; step *= 2) {
    const index = Math.min(last, from + step) - 1;
    if (passes(index)) return between(from, index, passes);
    from = index + 1;
  }
  return last;
}

function between(from: number, to: number, passes: (index: number) => boolean): number {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (passes(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}
