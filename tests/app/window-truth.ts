import { expect } from "bun:test";
import type { WireNakedPocs, WireNumber, WireWindowLevels } from "../../src/protocol/mod.ts";

const LEVELS = [
  ...(["poc", "vah", "val", "vwap", "deviation"] as const),
  ...(["open", "high", "low", "last", "range", "delta"] as const),
] as const;

/** Levels a window's candles tell by themselves. */
export const TOLD_LEVELS = ["vwap", "open", "high", "low", "last", "range", "delta"] as const;
export const AREA_LEVELS = ["poc", "vah", "val"] as const;

/** Fails where a window claims more than the complete one bears out. */
export function expectTrueWindow(window: WireWindowLevels, complete: WireWindowLevels, during: string): void {
  for (const name of LEVELS) {
    const [value, final, certainty, bounds] = [
      window[name],
      complete[name],
      window.certainty[name],
      window.bounds[name],
    ];
    const right =
      certainty === "exact" || certainty === "certain"
        ? value === final
        : certainty !== "bounded" || liesWithin(final, bounds);
    const kept =
      (certainty === "bounded") === (bounds !== undefined) &&
      (bounds === undefined || liesWithin(value, bounds));
    if (!right || !kept)
      expect(`${during}: ${name} ${certainty} ${value} ${bounds?.join("…") ?? ""}, complete ${final}`).toBe(
        "true",
      );
  }
}

/** Fails where naked POCs claim, by what they list or leave out, more than the complete ones bear out. */
export function expectTrueNaked(told: WireNakedPocs, complete: WireNakedPocs, during: string): void {
  const final = new Map(complete.naked_pocs.map(({ session, price }) => [session, price]));
  for (const { session, price, certainty, bounds } of told.naked_pocs) {
    const right =
      certainty === "exact" || certainty === "certain"
        ? final.get(session) === price
        : certainty !== "bounded" || liesWithin(final.get(session) ?? null, bounds ?? undefined);
    if (!right || (certainty === "bounded") !== (bounds !== null))
      expect(`${during}: ${session} ${certainty} ${price} ${bounds?.join("…")}, ${final.get(session)}`).toBe(
        "true",
      );
  }
  const named = new Set([...told.naked_pocs.map(({ session }) => session), ...told.undecided]);
  for (const session of told.sessions)
    if (!named.has(session) && final.has(session))
      expect(`${during}: ${session} left out as touched, naked at ${final.get(session)}`).toBe("true");
}

function liesWithin(value: WireNumber | null, bounds: readonly WireNumber[] | undefined): boolean {
  if (value === null || bounds === undefined) return false;
  return Number(bounds[0]) <= Number(value) && Number(value) <= Number(bounds[1]);
}
