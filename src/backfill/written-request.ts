import * as v from "valibot";
import { formatMinute, type MinuteRange, symbolName, TIMEFRAMES } from "../core/mod.ts";
import { DOWNLOAD_ORDERS } from "./planner.ts";
import type { BackfillRequest, JobReason } from "./request.ts";

/** A request as its job keeps it: what the interfaces print of it later. */
const WrittenRequest = v.object({
  symbols: v.array(v.string()),
  from: v.string(),
  to: v.string(),
  order: v.picklist(DOWNLOAD_ORDERS),
  /** Empty: trades. */
  timeframes: v.optional(v.array(v.picklist(TIMEFRAMES)), []),
  force: v.boolean(),
  reason: v.picklist(["request", "startup", "repair", "reconcile"] satisfies JobReason[]),
});
export type WrittenRequest = v.InferOutput<typeof WrittenRequest>;

/** The request in the form that is stored with its job; `range` are the minutes that were planned. */
export function writtenRequest(request: BackfillRequest, range: MinuteRange): WrittenRequest {
  return {
    symbols: request.symbols.map(symbolName),
    from: formatMinute(range.lo),
    to: formatMinute(range.hi),
    order: request.order,
    timeframes: [...(request.timeframes ?? [])],
    force: request.force,
    reason: request.reason,
  };
}

/** Reads a stored request back; throws when the database holds something else. */
export function readWrittenRequest(stored: unknown): WrittenRequest {
  return v.parse(WrittenRequest, stored);
}

/** Equal requests have equal keys, whatever the order of their symbols and timeframes. */
export function requestKeyOf(request: BackfillRequest, range: MinuteRange): string {
  const symbols = request.symbols.map(symbolName).sort();
  const candles = request.timeframes?.length ? ` ${[...request.timeframes].sort().join(",")}` : "";
  return `${request.reason} ${symbols.join(",")} ${range.lo}-${range.hi} ${request.order}${candles}`;
}

/** A key that no other request has: for jobs that are wanted although an equal one exists. */
export function uniqueRequestKey(key: string): string {
  return `${key} #${crypto.randomUUID()}`;
}
