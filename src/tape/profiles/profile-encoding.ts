import { createHash } from "node:crypto";
import * as v from "valibot";
import { invariant, Profile, type WindowSums } from "../../core/mod.ts";
import type { ProfileKey, SessionProfile } from "./session-profile.ts";

/**
 * A profile file: `TAPELPRF`, the header's length (uint32, little endian), the header (JSON, padded with spaces so that what follows
 * is aligned), three columns of doubles (bins, volumes, aggressor-buy volumes; little endian), and the sha256 of all that.
 */
const MAGIC = "TAPELPRF";
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 4;
const DOUBLE_BYTES = 8;
const HASH_BYTES = 32;
const COLUMNS = 3;

const Units = v.pipe(v.number(), v.safeInteger());
const Count = v.pipe(Units, v.minValue(0));
const Big = v.pipe(
  v.string(),
  v.regex(/^\d+$/),
  v.transform((text) => BigInt(text)),
);
const Maybe = v.nullable(Units);
const Range = v.pipe(
  v.strictTuple([Units, Units]),
  v.transform(([lo, hi]) => ({ lo, hi })),
);
const Header = v.strictObject({
  version: v.literal(VERSION),
  venue: v.string(),
  market: v.string(),
  symbol: v.string(),
  session: v.string(),
  range: Range,
  coverage: v.array(Range),
  digest: v.string(),
  grid: v.strictObject({ priceScale: Count, sizeScale: Count, binUnits: Count }),
  sums: v.strictObject({
    ...{ volume: Count, buyVolume: Count, quoteVolume: Big, squareVolume: Big, count: Count },
    ...{ open: Maybe, high: Maybe, low: Maybe, last: Maybe, firstMinute: Maybe, lastMinute: Maybe },
  }),
  rows: Count,
});

export type Decoded =
  | { readonly kind: "decoded"; readonly key: ProfileKey; readonly profile: SessionProfile }
  | { readonly kind: "damaged"; readonly reason: string };

/** The bytes of a profile file. */
export function encodeProfile({ series, session }: ProfileKey, profile: SessionProfile): Uint8Array {
  const { range, coverage, digest, scales, binUnits, fold } = profile;
  const { bins, volumes, buyVolumes } = fold.profile.rows();
  invariant(fold.profile.total === fold.volume, "a profile holds the volume of its window");
  const { profile: _, ...sums } = fold;
  const header = JSON.stringify({
    ...{ version: VERSION, venue: series.venue, market: series.market, symbol: series.symbol, session },
    range: [range.lo, range.hi],
    coverage: coverage.map(({ lo, hi }) => [lo, hi]),
    digest,
    grid: { priceScale: scales.priceScale, sizeScale: scales.sizeScale, binUnits },
    sums: { ...sums, quoteVolume: `${sums.quoteVolume}`, squareVolume: `${sums.squareVolume}` },
    rows: bins.length,
  });
  const text = new TextEncoder().encode(header);
  const begin = Math.ceil((PREFIX_BYTES + text.length) / DOUBLE_BYTES) * DOUBLE_BYTES;
  const end = begin + COLUMNS * DOUBLE_BYTES * bins.length;
  const bytes = new Uint8Array(end + HASH_BYTES).fill(0x20, 0, begin);
  bytes.set(new TextEncoder().encode(MAGIC), 0);
  new DataView(bytes.buffer).setUint32(MAGIC.length, begin - PREFIX_BYTES, true);
  bytes.set(text, PREFIX_BYTES);
  [bins, volumes, buyVolumes].forEach((column, at) => {
    new Float64Array(bytes.buffer, begin + at * DOUBLE_BYTES * bins.length, bins.length).set(column);
  });
  bytes.set(sha256(bytes.subarray(0, end)), end);
  return bytes;
}

/** Reads what {@link encodeProfile} wrote; every other content is `damaged`. */
export function decodeProfile(bytes: Uint8Array): Decoded {
  const end = bytes.length - HASH_BYTES;
  if (end < PREFIX_BYTES || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    return damaged("it is no profile file");
  if (!sha256(bytes.subarray(0, end)).equals(bytes.subarray(end)))
    return damaged("its sha256 is not the one it ends with");
  const begin = PREFIX_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const parsed = v.safeParse(
    Header,
    parseJson(new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, begin))),
  );
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return damaged(`its header is not of this version: ${v.getDotPath(issue) ?? "JSON"}: ${issue.message}`);
  }
  const { venue, market, symbol, session, range, coverage, digest, grid, sums, rows } = parsed.output;
  if (begin + COLUMNS * DOUBLE_BYTES * rows !== end) return damaged(`it does not hold ${rows} rows`);
  // A copy, because doubles are read where their offset is a multiple of their size.
  const columns = new Float64Array(new Uint8Array(bytes.subarray(begin, end)).buffer);
  const column = (at: number) => columns.subarray(at * rows, (at + 1) * rows);
  const profile = new Profile();
  profile.add({ bins: column(0), volumes: column(1), buyVolumes: column(2) });
  if (profile.total !== sums.volume) return damaged("its rows do not add up to its volume");
  const { binUnits, ...scales } = grid;
  const known: WindowSums = sums;
  return {
    kind: "decoded",
    key: { series: { venue, market, symbol }, session },
    profile: { range, coverage, digest, scales, binUnits, fold: { ...known, profile } },
  };
}

function damaged(reason: string): Decoded {
  return { kind: "damaged", reason };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
