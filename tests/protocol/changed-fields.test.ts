import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { applyChangedFields, changedFields } from "../../src/protocol/mod.ts";

const scalar = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
const key = fc.constantFrom("a", "b", "c", "d");
const inner = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar), fc.dictionary(key, scalar)));
const set = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar), inner));

/** Gone and null read the same to a receiver, at the two levels the rule speaks of. */
function withoutNulls(of: object): object {
  const members = (value: object) =>
    Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
  return members(
    Object.fromEntries(
      Object.entries(of).map(([name, value]) => [
        name,
        typeof value === "object" && value !== null && !Array.isArray(value) ? members(value) : value,
      ]),
    ),
  );
}

describe("changedFields()", () => {
  test("sends changed members of objects, other fields whole, what is gone as null", () => {
    const older = {
      levels: { POC: 1, VAH: 2, VAL: 0 },
      missing: [[1, 2]],
      precision: "x",
      gone: 1,
      bounds: { VAH: [1, 2] },
    };
    const newer = { levels: { POC: 1, VAH: 3, VAL: null }, missing: [[1, 3]], precision: "x", bounds: {} };
    expect(changedFields(older, newer)).toEqual({
      levels: { VAH: 3, VAL: null },
      missing: [[1, 3]],
      bounds: { VAH: null },
      gone: null,
    });
  });

  test("is undefined when nothing has changed", () => {
    fc.assert(fc.property(set, (fields) => changedFields(fields, structuredClone(fields)) === undefined));
  });

  test("laid over the older set gives the newer one, over any number of merged steps", () => {
    fc.assert(
      fc.property(fc.array(set, { minLength: 2, maxLength: 6 }), fc.func(fc.boolean()), (states, skipped) => {
        let sent = states[0]!;
        let held: object = sent;
        states.slice(1).forEach((state, at) => {
          if (skipped(at) && at < states.length - 2) return;
          held = applyChangedFields(held, changedFields(sent, state) ?? {});
          sent = state;
        });
        expect(withoutNulls(held)).toEqual(withoutNulls(states.at(-1)!));
      }),
    );
  });
});
