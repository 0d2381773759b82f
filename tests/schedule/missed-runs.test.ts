import { expect, test } from "bun:test";
import { formatMinute, MINUTES_PER_DAY, type MinuteRange } from "../../src/core/mod.ts";
import type { RelativeRange } from "../../src/protocol/mod.ts";
import { readCron } from "../../src/schedule/cron-times.ts";
import { CAUGHT_UP_MINUTES_MAX, minutesOfRun } from "../../src/schedule/missed-runs.ts";

async function minutesFor(cron: string, range: RelativeRange, since: string, due: string) {
  const read = readCron(cron, "UTC", Date.parse("2026-01-01T00:00:00Z"));
  if (read.kind !== "times") throw new Error(read.reason);
  let turns = 0;
  const run = { since: Date.parse(since), due: Date.parse(due), range };
  const minutes = await minutesOfRun(run, read.times, async () => {
    turns++;
  });
  return { minutes, shown: shown(minutes), turns };
}

function shown({ lo, hi }: MinuteRange): string {
  return `${formatMinute(lo).slice(0, 16)} ${formatMinute(hi).slice(0, 16)}`;
}

test("minutesOfRun(), a run in time has its own minutes", async () => {
  const { shown, turns } = await minutesFor(
    "0 3 * * *",
    { days_back: 1 },
    "2026-05-02T03:00:00Z",
    "2026-05-02T03:00:00Z",
  );
  expect([shown, turns]).toEqual(["2026-05-01T00:00 2026-05-02T00:00", 0]);
});

test("minutesOfRun(), missed runs are joined as far as they adjoin", async () => {
  const { shown } = await minutesFor(
    "0 3 * * *",
    { days_back: 1 },
    "2026-05-02T03:00:00Z",
    "2026-05-05T03:00:00Z",
  );
  expect(shown).toBe("2026-05-01T00:00 2026-05-05T00:00");
});

test("minutesOfRun(), a missed run that leaves a hole is not joined", async () => {
  const { shown } = await minutesFor(
    "0 3 * * 1",
    { days_back: 1 },
    "2026-05-04T03:00:00Z",
    "2026-05-18T03:00:00Z",
  );
  expect(shown).toBe("2026-05-17T00:00 2026-05-18T00:00");
});

test("minutesOfRun(), many short runs are joined in turns", async () => {
  const { shown, turns } = await minutesFor(
    "*/5 * * * *",
    { minutes_back: 5 },
    "2026-05-04T00:05:00Z",
    "2026-05-04T10:00:00Z",
  );
  expect(shown).toBe("2026-05-04T00:00 2026-05-04T10:00");
  expect(turns).toBeGreaterThan(1);
});

test("minutesOfRun(), a month is caught up at most", async () => {
  const { minutes } = await minutesFor(
    "0 3 * * *",
    { days_back: 2 },
    "2026-01-02T03:00:00Z",
    "2026-06-01T03:00:00Z",
  );
  expect(minutes.hi - minutes.lo).toBe(CAUGHT_UP_MINUTES_MAX);
  const long = await minutesFor(
    "0 3 * * *",
    { days_back: 90 },
    "2026-05-02T03:00:00Z",
    "2026-06-01T03:00:00Z",
  );
  expect(long.minutes.hi - long.minutes.lo).toBe(90 * MINUTES_PER_DAY);
});
