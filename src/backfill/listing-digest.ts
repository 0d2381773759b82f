import { createHash } from "node:crypto";
import type { SegmentListing } from "./store/types.ts";

/**
 * Fingerprint of the trades that own some minutes: of the segments' minutes and files. Two listings of a window with the same one
 * hold the same trades, bit for bit, because a file of the tape never changes.
 */
export function digestOfListing(listing: readonly SegmentListing[]): string {
  const lines = listing.map(({ covered, digest, files }) => {
    const minutes = covered.map(({ lo, hi }) => `${lo}-${hi}`).join(",");
    return `${minutes} ${digest} ${files.map(({ sha256 }) => sha256).join(",")}`;
  });
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
