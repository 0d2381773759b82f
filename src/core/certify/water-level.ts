/**
 * A volume the largest of some rows has at least, not below `proven`: towards the level to which the rows must be filled,
 * each up to its upper bound, to hold `volume` together. Rows at or below a proven level are full, the others share the rest.
 * Each round is a valid bound, later ones are closer.
 */
export function waterLevel(upper: Float64Array, volume: number, proven: number, roundsMax: number): number {
  let level = proven;
  for (let round = 0; round < roundsMax; round++) {
    let full = 0;
    let open = 0;
    for (let i = 0; i < upper.length; i++) {
      const most = upper[i]!;
      if (most <= level) full += most;
      else open++;
    }
    if (open === 0) return level;
    const next = Math.ceil((volume - full) / open);
    if (next <= level) return level;
    level = next;
  }
  return level;
}
