import type { WireLevelSet } from "../../src/protocol/mod.ts";

/**
 * A level set as it can be compared with another look at it: without the moment and the revision, which are the looker's and the server's
 * own, and without the nulls that putting changes together leaves of bounds that are gone.
 */
export function comparableLevels({ as_of: _, revision: __, bounds, ...set }: WireLevelSet): object {
  return { ...set, bounds: Object.fromEntries(Object.entries(bounds).filter(([, own]) => own !== null)) };
}
