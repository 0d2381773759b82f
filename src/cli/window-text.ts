import {
  type WireComparison,
  type WireNakedPocs,
  type WireProfileSummary,
  type WireWindow,
  type WireWindowLevels,
  wireText,
} from "../protocol/mod.ts";
import { coveragePercent, grouped, shownLevel } from "./text.ts";

/** Every level of a window as a table. */
export function windowText(of: WireProfileSummary): string {
  const { method, share } = of.value_area;
  return [
    `${of.symbol}  ${of.from} – ${of.to}  ${of.precision}, coverage ${coveragePercent(of.coverage)}, revision ${of.revision}`,
    `  ${grouped(of.trade_count)} trades, volume ${wireText(of.total_volume)}; value area ${method}, ${Number((share * 100).toFixed(6))} %, bins of ${wireText(of.bin_size)}; ${of.whole ? "exact" : "estimates: minutes are missing"}`,
    ...levelRows(of).map(([name, value]) => `  ${name.padEnd(11)} ${value.padStart(18)}`),
  ].join("\n");
}

/** The naked POCs, the newest first. */
export function nakedPocsText(of: WireNakedPocs): string {
  const known = of.coverage === null ? "nothing known" : `coverage ${coveragePercent(of.coverage)}`;
  const head = `${of.symbol}  naked POCs of ${of.sessions.length} sessions, last ${shownLevel(of.last)}, bins of ${wireText(of.bin_size)}, ${known}`;
  if (of.naked_pocs.length === 0) return `${head}\n  none: every one was touched, or none is known`;
  const rows = of.naked_pocs.map(
    ({ session, price, distance, certainty }) =>
      `  ${session} ${wireText(price).padStart(18)}  ${signed(distance).padStart(14)}  ${certainty}`,
  );
  return [head, ...rows].join("\n");
}

/** Two windows beside each other. */
export function comparisonText(of: WireComparison): string {
  const name = ({ session, from, to }: WireWindow) => session ?? `${from} – ${to}`;
  const [a, b] = [levelRows(of.a), levelRows(of.b)];
  const overlap = of.overlap === null ? "-" : `${Number((Number(of.overlap) * 100).toFixed(4))} %`;
  return [
    `${of.symbol}  ${name(of.a)} and ${name(of.b)}; value area ${of.value_area.method}, bins of ${wireText(of.bin_size)}`,
    `  overlap ${overlap}, POC ${signed(of.poc_shift)}, value area ${(of.migration ?? "-").replaceAll("_", " ")}`,
    ...a.map(
      ([level, value], at) =>
        `  ${level.padEnd(11)} ${value.padStart(18)} ${(b[at]?.[1] ?? "-").padStart(18)}`,
    ),
    `  ${"coverage".padEnd(11)} ${coveragePercent(of.a.coverage).padStart(18)} ${coveragePercent(of.b.coverage).padStart(18)}`,
  ].join("\n");
}

function levelRows(of: WireWindowLevels): [name: string, value: string][] {
  const bands = of.bands.flatMap(({ multiple, lower, upper }): [string, string][] => [
    [`VWAP + ${wireText(multiple)}σ`, wireText(upper)],
    [`VWAP - ${wireText(multiple)}σ`, wireText(lower)],
  ]);
  return [
    ["VWAP", shownLevel(of.vwap)],
    ...bands,
    ["POC", shownLevel(of.poc)],
    ["VAH", shownLevel(of.vah)],
    ["VAL", shownLevel(of.val)],
    ["OPEN", shownLevel(of.open)],
    ["HIGH", shownLevel(of.high)],
    ["LOW", shownLevel(of.low)],
    ["LAST", shownLevel(of.last)],
    ["range", shownLevel(of.range)],
    ["delta", shownLevel(of.delta)],
  ];
}

function signed(value: WireComparison["poc_shift"]): string {
  if (value === null) return "-";
  const text = wireText(value);
  return text.startsWith("-") || text === "0" ? text : `+${text}`;
}
