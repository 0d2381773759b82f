import { DuckDBDecimalType } from "@duckdb/node-api";
import {
  Coverage,
  formatMinute,
  InvariantError,
  intersectRanges,
  invariant,
  type MinuteRange,
  type Scales,
  type TradeKind,
} from "../core/mod.ts";
import { DECIMAL_WIDTH } from "./columns.ts";
import { literal, type Session } from "./engine.ts";
import { plainJoin } from "./layout.ts";
import { messageOf, TapeError } from "./tape-error.ts";
import type { TapeSource } from "./tape-file.ts";
import { SCHEMA_VERSION } from "./writer.ts";

/** Paths that an error names; the rest is counted. */
const PATHS_SHOWN_MAX = 3;

/** Which minutes of which files to read, at which scales. */
export interface ScanRequest {
  readonly dir: string;
  readonly sources: readonly TapeSource[];
  readonly ranges: readonly MinuteRange[];
  readonly scales: Scales;
}

/**
 * A FROM clause with the columns id, time, price, size, first_id, last_id, buy: the trades of the wanted minutes, price
 * and size at the scales asked for, rows in file order. Undefined when no file has a wanted minute.
 */
export function scanSql({ dir, sources, ranges, scales }: ScanRequest): string | undefined {
  const wanted = Coverage.of(ranges);
  const groups: { readonly where: string; readonly paths: string[] }[] = [];
  for (const source of sources) {
    const minutes = source.ranges === undefined ? wanted.ranges : common(wanted, source.ranges);
    if (minutes.length === 0) continue;
    const where = minutes.map(minutesSql).join(" OR ");
    const last = groups.at(-1);
    if (last !== undefined && last.where === where) last.paths.push(source.path);
    else groups.push({ where, paths: [source.path] });
  }
  if (groups.length === 0) return undefined;
  const selects = groups.map(
    ({ where, paths }) =>
      `SELECT id, time, price::DECIMAL(${DECIMAL_WIDTH}, ${scales.priceScale}) AS price,
        size::DECIMAL(${DECIMAL_WIDTH}, ${scales.sizeScale}) AS size, first_id, last_id, buy
        FROM ${readSql(dir, paths)} WHERE ${where}`,
  );
  return `(${selects.join(" UNION ALL ")})`;
}

function common(wanted: Coverage, own: readonly MinuteRange[]): readonly MinuteRange[] {
  return Coverage.of(own).ranges.flatMap((range) => wanted.within(range).ranges);
}

/** The plain column is compared, so that whole row groups are skipped by their statistics. */
function minutesSql({ lo, hi }: MinuteRange): string {
  return `(time >= TIMESTAMPTZ '${formatMinute(lo)}' AND time < TIMESTAMPTZ '${formatMinute(hi)}')`;
}

/** With `union_by_name` files of different scales meet in a type that holds them all, exactly. */
function readSql(dir: string, paths: readonly string[]): string {
  return `read_parquet(${listSql(dir, paths)}, union_by_name = true, hive_partitioning = false)`;
}

function listSql(dir: string, paths: readonly string[]): string {
  return `[${paths.map((path) => literal(plainJoin(dir, path))).join(", ")}]`;
}

/** What the files hold, from their footers. */
export interface Contents {
  readonly kind: TradeKind;
  readonly scales: Scales;
}

/**
 * Reads the footers. Throws {@link TapeError}: `read` for a file that cannot be read, `format` for a schema version that
 * is not known or files of both kinds; {@link InvariantError} when a file has finer scales than `scales`: rounding would follow.
 */
export async function inspect(session: Session, request: ScanRequest): Promise<Contents> {
  const paths = request.sources.map(({ path }) => path);
  const found = { kind: new Set<string>(), schema_version: new Set<string>() };
  const metadata = `SELECT DISTINCT decode(key), decode(value) FROM parquet_kv_metadata(${listSql(request.dir, paths)})
    WHERE decode(key) IN ('kind', 'schema_version')`;
  for await (const chunk of session.chunks(metadata))
    for (const [key, value] of chunk.getRows())
      if (key === "kind" || key === "schema_version") found[key].add(String(value));
  const [version] = found.schema_version;
  if (found.schema_version.size !== 1 || version !== SCHEMA_VERSION)
    throw new TapeError(
      "format",
      `${shown(paths)}: expected schema version ${SCHEMA_VERSION}, found ${[...found.schema_version].join(" and ") || "none"}`,
      { paths },
    );
  const [kind] = found.kind;
  if (found.kind.size !== 1 || (kind !== "aggregate" && kind !== "raw"))
    throw new TapeError(
      "format",
      `${shown(paths)}: expected one kind of trades, found ${[...found.kind].join(" and ") || "none"}`,
      { paths },
    );
  const scales = await scalesOf(session, request.dir, paths);
  invariant(
    scales.priceScale <= request.scales.priceScale && scales.sizeScale <= request.scales.sizeScale,
    `${shown(paths)}: asked for scales ${request.scales.priceScale}/${request.scales.sizeScale}, coarser than ${scales.priceScale}/${scales.sizeScale} in the files`,
  );
  return { kind, scales };
}

async function scalesOf(session: Session, dir: string, paths: readonly string[]): Promise<Scales> {
  const prepared = await session.call((connection) =>
    connection.prepare(`SELECT price, size FROM ${readSql(dir, paths)}`),
  );
  try {
    const price = prepared.columnType(0);
    const size = prepared.columnType(1);
    invariant(
      price instanceof DuckDBDecimalType && size instanceof DuckDBDecimalType,
      `${shown(paths)}: price is ${price}, size is ${size}, expected decimals`,
    );
    return { priceScale: price.scale, sizeScale: size.scale };
  } finally {
    prepared.destroySync();
  }
}

/** True when two of the sources hold ids of the same stretch, so that their rows must be sorted together. */
export function idsOverlap(sources: readonly TapeSource[]): boolean {
  const sorted = [...sources].sort((a, b) => a.firstId - b.firstId);
  return sorted.some((source, i) => i > 0 && source.firstId <= sorted[i - 1]!.lastId);
}

/** Sources that can hold a minute that is asked for. */
export function sourcesWithin(
  sources: readonly TapeSource[],
  ranges: readonly MinuteRange[],
): readonly TapeSource[] {
  return sources.filter(
    (source) =>
      source.ranges === undefined ||
      source.ranges.some((own) => ranges.some((range) => intersectRanges(own, range) !== undefined)),
  );
}

/** The error of a read that failed: broken promises and our own errors stay what they are. */
export function readError(cause: unknown, sources: readonly TapeSource[]): unknown {
  if (cause instanceof TapeError || cause instanceof InvariantError) return cause;
  const paths = sources.map(({ path }) => path);
  return new TapeError(
    "read",
    `could not read ${shown(paths)}: ${messageOf(cause).split("\n", 1)[0]}; verify the files`,
    {
      paths,
      cause,
    },
  );
}

function shown(paths: readonly string[]): string {
  const first = paths.slice(0, PATHS_SHOWN_MAX).join(", ");
  const more = paths.length - PATHS_SHOWN_MAX;
  return `${paths.length === 1 ? "tape file" : "tape files"} ${first}${more > 0 ? ` and ${more} more` : ""}`;
}
