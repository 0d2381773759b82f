import { expect, test } from "bun:test";
import { Lookout } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";

test("Lookout, looks when it is started, nudged, and when the wait that it asked for is over", async () => {
  const clock = new FakeClock(0);
  let looks = 0;
  const lookout = new Lookout(clock, async () => {
    looks++;
    return 1_000;
  });
  lookout.nudge();
  await clock.run(5_000);
  expect(looks).toBe(0);
  lookout.start();
  await clock.run(999);
  expect(looks).toBe(1);
  await clock.run(1);
  expect(looks).toBe(2);
  lookout.nudge();
  await clock.run(0);
  expect(looks).toBe(3);
  await lookout.stop();
});

test("Lookout.nudge(), during a look asks for one more, however often; stop() waits for the one under way", async () => {
  const clock = new FakeClock(0);
  const ends: (() => void)[] = [];
  const lookout = new Lookout(clock, () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    ends.push(() => resolve(1_000));
    return promise;
  });
  lookout.start();
  lookout.nudge();
  lookout.nudge();
  expect(ends.length).toBe(1);
  ends[0]?.();
  await clock.run(0);
  expect(ends.length).toBe(2);
  let stopped = false;
  const stopping = lookout.stop().then(() => {
    stopped = true;
  });
  expect(lookout.signal.aborted).toBe(true);
  lookout.nudge();
  await clock.run(0);
  expect(stopped).toBe(false);
  ends[1]?.();
  await stopping;
  await clock.run(10_000);
  expect(ends.length).toBe(2);
});
