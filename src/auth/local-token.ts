import { EVERYTHING, type Grant } from "../protocol/mod.ts";

/** What the commands of the user who runs the server may do. */
export const LOCAL_GRANT: Grant = { ...EVERYTHING, user: "local" };

/** Compares in a time that does not tell where two texts of one length differ. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}
