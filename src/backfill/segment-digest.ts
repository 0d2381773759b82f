import { createHash } from "node:crypto";
import type { MinuteContributions } from "../core/mod.ts";

/** Fingerprint of a segment's exact sums: two segments with the same one contribute the same minutes. */
export function digestOf({ scales, minutes }: MinuteContributions): string {
  const hash = createHash("sha256");
  hash.update(`${scales.priceScale}/${scales.sizeScale}`);
  for (const m of minutes)
    hash.update(
      `\n${m.minute} ${m.open} ${m.high} ${m.low} ${m.close} ${m.volume} ${m.buyVolume} ${m.quoteVolume} ${m.count} ${m.firstId} ${m.lastId}`,
    );
  return hash.digest("hex").slice(0, 32);
}
