import {
  type WireComparison,
  type WireNakedPocs,
  type WireNumber,
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
    `  ${grouped(of.trade_count)} trades, volume ${wireText(of.total_volume)}; value area ${method}, ${Number((share * 100).toFixed(6))} %, bins of ${wireText(of.bin_size)}; ${of.whole ? "every minute is known" : "minutes are missing"}`,
    ...levelRows(of).map(([name, value, trust]) =>
      `  ${name.padEnd(11)} ${value.padStart(18)}  ${trust}`.trimEnd(),
    ),
    ...of.doubts.map(({ from, to, reason }) => `  in doubt: ${from} – ${to}: ${reason}`),
  ].join("\n");
}

/** The naked POCs, the newest first. */
export function nakedPocsText(of: WireNakedPocs): string {
  const known = of.coverage === null ? "nothing known" : `coverage ${coveragePercent(of.coverage)}`;
  const head = `${of.symbol}  naked POCs of ${of.sessions.length} sessions, last ${shownLevel(of.last)}, bins of ${wireText(of.bin_size)}, ${known}`;
  const rows = of.naked_pocs.map(
    ({ session, price, distance, certainty, bounds }) =>
      `  ${session} ${wireText(price).padStart(18)}  ${signed(distance).padStart(14)}  ${trustText(certainty, bounds)}`,
  );
  if (rows.length === 0) rows.push("  none: every one was touched, or none is known");
  if (of.undecided.length > 0) rows.push(`  touched, as far as is known: ${of.undecided.join(", ")}`);
  return [head, ...rows].join("\n");
}

/** Two windows beside each other. */
export function comparisonText(of: WireComparison): string {
  const name = ({ session, from, to }: WireWindow) => session ?? `${from} – ${to}`;
  const [a, b] = [levelRows(of.a), levelRows(of.b)];
  const overlap = of.overlap === null ? "-" : `${Number((Number(of.overlap) * 100).toFixed(4))} %`;
  const trust = Object.entries(of.certainty).map(([name, certainty]) => `${name} ${certainty ?? "-"}`);
  return [
    `${of.symbol}  ${name(of.a)} and ${name(of.b)}; value area ${of.value_area.method}, bins of ${wireText(of.bin_size)}`,
    `  overlap ${overlap}, POC ${signed(of.poc_shift)}, value area ${(of.migration ?? "-").replaceAll("_", " ")} (${trust.join(", ").replaceAll("_", " ")})`,
    ...a.map(
      ([level, value], at) =>
        `  ${level.padEnd(11)} ${value.padStart(18)} ${(b[at]?.[1] ?? "-").padStart(18)}`,
    ),
    `  ${"coverage".padEnd(11)} ${coveragePercent(of.a.coverage).padStart(18)} ${coveragePercent(of.b.coverage).padStart(18)}`,
  ].join("\n");
}

type Row = readonly [name: string, value: string, trust: string];

function levelRows(of: WireWindowLevels): Row[] {
  const row = (label: string, name: keyof WireWindowLevels["certainty"]): Row => [
    ...([label, shownLevel(of[name])] as const),
    trustText(of.certainty[name], of.bounds[name] ?? null),
  ];
  const bands = of.bands.flatMap(({ multiple, lower, upper }): Row[] => [
    [`VWAP + ${wireText(multiple)}σ`, wireText(upper), ""],
    [`VWAP - ${wireText(multiple)}σ`, wireText(lower), ""],
  ]);
  return [
    row("VWAP", "vwap"),
    ...bands,
    row("POC", "poc"),
    row("VAH", "vah"),
    row("VAL", "val"),
    row("OPEN", "open"),
    row("HIGH", "high"),
    row("LOW", "low"),
    row("LAST", "last"),
    row("range", "range"),
    row("delta", "delta"),
  ];
}

/** How far a value can be trusted, with its interval. */
function trustText(
  certainty: WireWindowLevels["certainty"]["vwap"],
  bounds: readonly [WireNumber, WireNumber] | null,
): string {
  const within = bounds === null ? "" : ` ${wireText(bounds[0])} – ${wireText(bounds[1])}`;
  return `${certainty ?? ""}${within}`;
}

function signed(value: WireComparison["poc_shift"]): string {
  if (value === null) return "-";
  const text = wireText(value);
  return text.startsWith("-") || text === "0" ? text : `+${text}`;
}
