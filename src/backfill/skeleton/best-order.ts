import {
  certifyOrder,
  DEFAULT_SHARE,
  type MinuteRange,
  type ProfileState,
  type ProvenArea,
  requestsFor,
  type Share,
  type ValueAreaMethod,
} from "../../core/mod.ts";

/** What is known of a session's profile, followed up to now. */
export interface FollowedProfile {
  readonly state: ProfileState | undefined;
  area(method: ValueAreaMethod, share: Share): ProvenArea | undefined;
}

/**
 * The pending chunks of a session, those first that prove most for what they cost: the POC, and once that is certain the
 * ends of the value area. Undefined when no candle tells of a pending minute: then time alone orders them.
 */
export function bestOrder<Chunk extends MinuteRange>(
  profile: FollowedProfile,
  pending: readonly Chunk[],
  inFlight: readonly MinuteRange[],
  method: ValueAreaMethod,
): Chunk[] | undefined {
  const { state } = profile;
  if (state === undefined || pending.length === 0) return undefined;
  const trades = tradesPerMinute(state);
  const told = pending.some((chunk) => minutesOf(chunk).some((minute) => trades.has(minute)));
  if (!told) return undefined;
  const costed = pending.map((chunk) => {
    const count = minutesOf(chunk).reduce((sum, minute) => sum + (trades.get(minute) ?? 0), 0);
    return { lo: chunk.lo, hi: chunk.hi, requests: requestsFor(count), chunk };
  });
  const open = openEnds(profile.area(method, DEFAULT_SHARE));
  return certifyOrder(state, costed, { inFlight, open }).map(({ chunk }) => chunk);
}

/** Raw trades of the minutes that are known by their candles alone; 0 where the venue does not count them. */
function tradesPerMinute(state: ProfileState): ReadonlyMap<number, number> {
  const trades = new Map<number, number>();
  for (const { minute, candle } of state.unseen()) trades.set(minute, candle.rawCount ?? 0);
  return trades;
}

function minutesOf({ lo, hi }: MinuteRange): number[] {
  return Array.from({ length: hi - lo }, (_, i) => lo + i);
}

/** Bins that VAH and VAL may still lie in; none while the POC is open, which comes first. */
function openEnds(area: ProvenArea | undefined): (readonly [from: number, to: number])[] {
  if (area?.poc.kind !== "certain") return [];
  return [area.vah, area.val].flatMap((end) =>
    end.kind === "bounded" ? [[end.low, end.high] as const] : [],
  );
}
