/**
 * Conflated channels send absolute values of what changed. One rule, the same on both sides of the wire:
 * a field whose old and new value are both objects is sent as its changed members only (one level deep); every other
 * field is sent whole; a field or member that is gone is sent as null. So any number of frames can be merged into one.
 */

type Fields = Readonly<Record<string, unknown>>;

/** The fields of `newer` that differ from `older`, as a frame carries them; undefined when none does. */
export function changedFields(older: object, newer: object): Record<string, unknown> | undefined {
  const before = fieldsOf(older);
  const after = fieldsOf(newer);
  const changed = changedMembers(before, after);
  if (changed === undefined) return undefined;
  for (const key of Object.keys(changed)) {
    const [held, value] = [own(before, key), own(after, key)];
    if (isRecord(held) && isRecord(value)) put(changed, key, changedMembers(fieldsOf(held), fieldsOf(value)));
  }
  return changed;
}

/** What a receiver holds after a frame: `changed` laid over `held`, neither of them altered. */
export function applyChangedFields(held: object, changed: object): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...held };
  for (const [key, value] of Object.entries(fieldsOf(changed))) {
    if (value === undefined) continue;
    const before = own(fields, key);
    put(fields, key, isRecord(before) && isRecord(value) ? { ...before, ...value } : value);
  }
  return fields;
}

/** Members of `newer` that differ, whole; those that are gone as null; undefined when there are none. */
function changedMembers(older: Fields, newer: Fields): Record<string, unknown> | undefined {
  let changed: Record<string, unknown> | undefined;
  for (const key of Object.keys(newer)) {
    const value = newer[key];
    if (value === undefined || sameJson(own(older, key), value)) continue;
    changed ??= {};
    put(changed, key, value);
  }
  for (const key of Object.keys(older)) {
    if (older[key] === undefined || older[key] === null || own(newer, key) !== undefined) continue;
    changed ??= {};
    put(changed, key, null);
  }
  return changed;
}

/** An object as its own members; what has a prototype of its own is copied, so that nothing inherited is seen. */
function fieldsOf(of: object): Fields {
  return isPlain(of) ? of : { ...of };
}

function isPlain(of: object): of is Fields {
  return Object.getPrototypeOf(of) === Object.prototype;
}

function own(of: Fields, key: string): unknown {
  return Object.hasOwn(of, key) ? of[key] : undefined;
}

/** Sets an own member, also one that is called `__proto__`. */
function put(into: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") into[key] = value;
  else Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether JSON writes both alike, up to the order of members. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameJson(item, b[at]));
  return !Array.isArray(b) && sameMembers(fieldsOf(a), fieldsOf(b));
}

function sameMembers(a: Fields, b: Fields): boolean {
  for (const key of Object.keys(a)) if (!sameJson(a[key], own(b, key))) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && own(a, key) === undefined) return false;
  return true;
}
