import * as v from "valibot";
import { formatUnits, type Scales } from "../core/mod.ts";
import { unitsToWire, WireNumber } from "./number.ts";
import { WireProfileSummary } from "./profile.ts";

/** Bins that a `profile:` channel holds; where there are more, it has them wider. 20,000 are 0.7 MB of JSON. */
export const PROFILE_BINS_MAX = 20_000;

/** The state of a `profile:` channel: the summary of `GET /api/v1/profile/{symbol}`, and the bins as an object. */
export const WireProfileState = v.object({
  /** Name of the session whose profile it is. */
  session: v.string(),
  ...v.omit(WireProfileSummary, ["sessions"]).entries,
  /** By lower edge, in plain decimal digits: volume, and the aggressor-buy part of it. A bin without volume is absent. */
  bins: v.record(v.string(), v.tuple([WireNumber, WireNumber])),
});
export type WireProfileState = v.InferOutput<typeof WireProfileState>;

/** One bin of a profile's state: its edge in price units, its volumes in size units; null as its value when it has no volume. */
export function binMemberText(
  edge: number,
  [volume, buyVolume]: readonly [number, number],
  { priceScale, sizeScale }: Scales,
): string {
  const size = (units: number) => JSON.stringify(unitsToWire(units, sizeScale));
  const value = volume === 0 ? "null" : `[${size(volume)},${size(buyVolume)}]`;
  return `"${formatUnits(edge, priceScale)}":${value}`;
}
