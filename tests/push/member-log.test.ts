import { expect, test } from "bun:test";
import fc from "fast-check";
import { MemberLog } from "../../src/push/mod.ts";

test("MemberLog.since(), tells each member that changed after a revision, or that it cannot", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 8 }), { maxLength: 20 }),
      fc.integer({ min: -1, max: 21 }),
      (keysMax, changes, since) => {
        const log = new MemberLog<number>(keysMax, 0);
        for (const [at, keys] of changes.entries()) log.note(at + 1, keys);
        const after = changes.slice(Math.max(0, since));
        const told = log.since(since);
        // As much as fits is remembered.
        if (since >= 0 && after.flat().length <= keysMax) expect(told).toBeDefined();
        if (since < 0) expect(told).toBeUndefined();
        if (told !== undefined) expect([...told].sort()).toEqual([...new Set(after.flat())].sort());
      },
    ),
  );
});
