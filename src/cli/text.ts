import { coveragePercentage } from "../core/mod.ts";
import {
  type JobAnswer,
  type JobSummary,
  recordsOf,
  type WireCoverage,
  type WireLevelSet,
  type WireNumber,
  wireText,
} from "../protocol/mod.ts";
import type { SymbolResult } from "./results.ts";

/** `1,234,567`. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1h 02m`, `3m 05s`, `12s`; `-` when it is not known. */
export function duration(seconds: number | null): string {
  if (seconds === null) return "-";
  const whole = Math.ceil(seconds);
  const two = (count: number) => String(count).padStart(2, "0");
  if (whole >= 3_600) return `${Math.floor(whole / 3_600)}h ${two(Math.floor((whole % 3_600) / 60))}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m ${two(whole % 60)}s` : `${whole}s`;
}

/** A level's value, `-` when it is not known. */
export function shownLevel(value: WireNumber | null): string {
  return value === null ? "-" : wireText(value);
}

/** `binance:BTCUSDT 2026-01-02 VWAP 42123.4512 (exact) POC 42100 (bounded 42080…42110) coverage 48.4 %`. */
export function partialLevels(set: WireLevelSet): string {
  const level = (name: "VWAP" | "POC") => {
    const certainty = set.certainty[name];
    const trust = certainty === null ? "" : ` (${[certainty, ...shownBounds(set, name)].join(" ")})`;
    return `${name} ${shownLevel(set.levels[name])}${trust}`;
  };
  return `${set.symbol} ${set.session} ${level("VWAP")} ${level("POC")} coverage ${coveragePercent(set.coverage)}`;
}

/** `42080…42110` of a bounded level, nothing of another. */
function shownBounds(set: WireLevelSet, name: string): string[] {
  const bounds = set.bounds[name] ?? undefined;
  return bounds === undefined ? [] : [`${wireText(bounds[0])}…${wireText(bounds[1])}`];
}

/** `48.4 %`, rounded down. */
export function coveragePercent({ expected_minutes, covered_minutes }: WireCoverage): string {
  const share = { expectedMinutes: expected_minutes, coveredMinutes: covered_minutes, missing: [] };
  return `${coveragePercentage(share).toFixed(1)} %`;
}

/** `60/144 chunks, 123,456 trades`, with what failed. */
export function jobCounts(job: JobAnswer): string {
  const { total_records_updated: updated, total_records_unchanged: same } = job;
  const changed = updated + same > 0 ? ` (${grouped(updated)} updated, ${grouped(same)} unchanged)` : "";
  const failed = job.chunks_failed > 0 ? ` (${job.chunks_failed} failed)` : "";
  return `${job.chunks_done}/${job.chunks_total} chunks${failed}, ${grouped(job.total_records_inserted)} ${recordsOf(job)}${changed}`;
}

/** One job in a list. */
export function jobLine(job: Omit<JobSummary, "timeframes">): string {
  const { start, end } = job.date_range;
  const { symbols } = job;
  const named =
    symbols.length > 3
      ? `${symbols.slice(0, 3).join(" ")} and ${symbols.length - 3} more`
      : symbols.join(" ");
  return `${job.job_id}  ${job.status.padEnd(11)}  ${job.progress_pct.toFixed(1).padStart(5)} %  ${start} – ${end}  ${named}`;
}

/** All of one job. */
export function jobText(job: JobAnswer): string {
  const lines = [
    jobLine({ ...job, symbols: [...new Set(job.details.map(({ symbol }) => symbol))] }),
    `  ${jobCounts(job)}; created ${job.created_at}, started ${job.started_at ?? "-"}, ended ${job.completed_at ?? "-"}, left ${duration(job.eta_seconds)}`,
  ];
  for (const of of job.details)
    lines.push(
      `  ${of.symbol}${of.timeframe === null ? "" : ` ${of.timeframe}`}  ${of.status}  ${of.progress_pct.toFixed(1)} %  ${grouped(of.records_inserted)} ${recordsOf(job)}${of.error === null ? "" : `  ${of.error}`}`,
    );
  if (job.error !== null) lines.push(`  error: ${job.error}`);
  return lines.join("\n");
}

/** What a symbol's backfill ended with. */
export function resultText(result: SymbolResult): string {
  if (result.kind === "none") return `${result.symbol}\n  no levels: ${result.reason}`;
  const of = result.profile;
  const { method, share } = of.value_area;
  const { covered_minutes, expected_minutes } = of.coverage;
  return [
    `${of.symbol}  ${of.from} – ${of.to}`,
    `  trades    ${grouped(of.trade_count)}, volume ${wireText(of.total_volume)}`,
    `  VWAP      ${shownLevel(of.vwap)}`,
    `  POC       ${shownLevel(of.poc)} (bins of ${wireText(of.bin_size)})`,
    `  VAH, VAL  ${shownLevel(of.vah)}, ${shownLevel(of.val)} (${method}, ${Number((share * 100).toFixed(6))} %)`,
    `  high, low ${shownLevel(of.high)}, ${shownLevel(of.low)}`,
    `  delta     ${shownLevel(of.delta)}`,
    `  coverage  ${coveragePercent(of.coverage)}, ${grouped(covered_minutes)} of ${grouped(expected_minutes)} minutes, ${of.precision}`,
  ].join("\n");
}

/** A level set as a table. */
export function levelSetText(set: WireLevelSet): string {
  const lines = [
    `${set.symbol}  ${set.session}  ${set.precision}, coverage ${coveragePercent(set.coverage)}, revision ${set.revision}`,
    `  ${grouped(set.trade_count)} trades, volume ${wireText(set.volume)}; value area ${set.value_area.method}, bins of ${wireText(set.bin_size)}; opening range ${set.opening_range}`,
  ];
  for (const [name, value] of Object.entries(set.levels)) {
    const certainty = new Map(Object.entries(set.certainty)).get(name) ?? null;
    const trust = [certainty ?? "", ...shownBounds(set, name)].join(" ");
    lines.push(`  ${name.padEnd(11)} ${shownLevel(value).padStart(18)}  ${trust}`.trimEnd());
  }
  for (const { from, to, reason } of set.doubts) lines.push(`  in doubt: ${from} – ${to}: ${reason}`);
  return lines.join("\n");
}
