/** What is wrong with what is known: minutes that contradict the venue's candles, and minutes that are missing. */
export { GapWatch } from "./gap-watch.ts";
export { Reconciler } from "./reconciler.ts";
export {
  EVENTS_KEPT,
  type GapChange,
  type GapEvent,
  gapChannel,
  openChannel,
  readChanges,
} from "./store/gap-events.ts";
export { createGapStore, GAPS_MAX, type GapStore, type KnownGap } from "./store/gaps.ts";
export {
  createMismatchStore,
  type KnownMismatch,
  MISMATCHES_MAX,
  type MismatchStore,
} from "./store/mismatches.ts";
