/** A value that nobody may change, all the way down. */
export type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;

/** Freezes a JSON value all the way down: it is shared by everybody who follows the same channel. */
export function frozen<T>(value: T): ReadOnly<T>;
export function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
