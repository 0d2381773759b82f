import { expect, test } from "bun:test";
import fc from "fast-check";
import { UnseenMinutes } from "../../../src/core/certify/unseen-minutes.ts";
import { unseenMinute } from "../../../src/core/mod.ts";

test("UnseenMinutes holds what was put in and not taken out, ascending, and tells which touch a bin", () => {
  const steps = fc.array(
    fc.record({ minute: fc.nat({ max: 12 }), low: fc.nat({ max: 9 }), bins: fc.nat({ max: 4 }) }),
  );
  fc.assert(
    fc.property(steps, fc.nat({ max: 13 }), (done, bin) => {
      const minutes = new UnseenMinutes();
      const model = new Map<number, NonNullable<ReturnType<typeof unseenMinute>>>();
      for (const { minute, low, bins } of done) {
        const former = model.get(minute);
        if (former !== undefined) {
          minutes.remove(former);
          model.delete(minute);
          continue;
        }
        const high = low + bins;
        const unseen = unseenMinute(
          { minute, open: low, high, low, close: high, volume: 9 },
          { binUnits: 1 },
        )!;
        minutes.add(unseen);
        model.set(minute, unseen);
      }
      const held = [...model.values()].sort((a, b) => a.minute - b.minute);
      expect(minutes.all).toEqual(held);
      expect(minutes.touching(bin)).toEqual(
        held.filter(({ firstBin, lastBin }) => firstBin <= bin && bin <= lastBin),
      );
    }),
  );
});
