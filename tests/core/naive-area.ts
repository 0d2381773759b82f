import type { EmptyRows, Share, ValueArea, ValueAreaMethod } from "../../src/core/mod.ts";

/** Rows as the rules speak of them: bin and volume, ascending. */
export type NaiveRow = readonly [bin: number, volume: bigint];

/** The value area row by row, as the rules are written down; every empty row is a row. */
export function naiveArea(
  rows: readonly NaiveRow[],
  method: ValueAreaMethod,
  emptyRows: EmptyRows = "count",
  share: Share = { part: 7, whole: 10 },
): ValueArea | undefined {
  const ranking = rank(rows);
  const poc = ranking[0]?.[0];
  if (poc === undefined) return undefined;
  const total = rows.reduce((sum, [, volume]) => sum + volume, 0n);
  const reached = (included: bigint) => included * BigInt(share.whole) >= total * BigInt(share.part);
  if (method === "ranked") {
    const taken: number[] = [];
    let included = 0n;
    for (const [bin, volume] of ranking) {
      if (reached(included)) break;
      included += volume;
      taken.push(bin);
    }
    return { poc, vah: Math.max(...taken), val: Math.min(...taken) };
  }
  const ladder = emptyRows === "skip" ? [...rows] : withEmptyRows(rows);
  const step = method === "one_row" ? 1 : 2;
  let low = ladder.findIndex(([bin]) => bin === poc);
  let high = low;
  let included = ladder[low]![1];
  while (!reached(included)) {
    const above = ladder.slice(high + 1, high + 1 + step);
    const below = ladder.slice(Math.max(0, low - step), low);
    const up = above.reduce((sum, [, volume]) => sum + volume, 0n);
    const down = below.reduce((sum, [, volume]) => sum + volume, 0n);
    if (above.length > 0 && (below.length === 0 || up >= down)) {
      high += above.length;
      included += up;
    } else {
      low -= below.length;
      included += down;
    }
  }
  return { poc, vah: ladder[high]![0], val: ladder[low]![0] };
}

/** Largest volume first; on a tie nearest the middle of the traded range, then the lower. */
function rank(rows: readonly NaiveRow[]): NaiveRow[] {
  const middle = ((rows[0]?.[0] ?? 0) + (rows.at(-1)?.[0] ?? 0)) / 2;
  return [...rows].sort(([a, va], [b, vb]) => {
    if (va !== vb) return va > vb ? -1 : 1;
    return Math.abs(a - middle) - Math.abs(b - middle) || a - b;
  });
}

function withEmptyRows(rows: readonly NaiveRow[]): NaiveRow[] {
  const volumes = new Map(rows);
  const first = rows[0]![0];
  return Array.from({ length: rows.at(-1)![0] - first + 1 }, (_, i) => [
    first + i,
    volumes.get(first + i) ?? 0n,
  ]);
}
