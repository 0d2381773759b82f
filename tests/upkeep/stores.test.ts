import { expect, test } from "bun:test";
import { createJobStore } from "../../src/backfill/mod.ts";
import {
  createGapStore,
  createMismatchStore,
  EVENTS_KEPT,
  gapChannel,
  openChannel,
  readChanges,
} from "../../src/upkeep/mod.ts";
import { makeSeries } from "../backfill/job-store-support.ts";
import { describeDatabases } from "../support/databases.ts";

const JOB = "0190b8a4-0000-7000-8000-000000000001";
const differing = (minute: number, ours = "4") => ({ minute, field: "volume", ours, theirs: "3" }) as const;

describeDatabases("MismatchStore", (database) => {
  const named = async () => {
    const { id } = await makeSeries(createJobStore(database()));
    return { seriesId: id, symbol: `binance:S${id}` };
  };
  const told = (symbol: string) => readChanges(database(), gapChannel(symbol), 0, 1_000);

  test("tells a minute only when it differs after it was fetched again, and once", async () => {
    const store = createMismatchStore(database());
    const series = await named();
    const found = await store.found(series, [differing(10), differing(11)]);
    expect(found.known.map(({ minute, refetchJob }) => [minute, refetchJob])).toEqual([
      [10, undefined],
      [11, undefined],
    ]);
    expect(await store.reported(series, [10])).toEqual([]);
    await store.queued(series.seriesId, [10, 11], JOB);
    const events = await store.reported(series, [11, 10]);
    expect(events.map(({ offset, data }) => [offset, data.change, data.lo])).toEqual([
      [1, "mismatch", 10],
      [2, "mismatch", 11],
    ]);
    expect(await store.reported(series, [10, 11])).toEqual([]);
    expect(await told(series.symbol)).toEqual(events);
  });

  test("keeps the job of a minute that is found again, and the first job that was made", async () => {
    const store = createMismatchStore(database());
    const series = await named();
    await store.found(series, [differing(10)]);
    await store.queued(series.seriesId, [10], JOB);
    await store.queued(series.seriesId, [10], JOB.replace("1", "2"));
    const { known } = await store.found(series, [differing(10, "5")]);
    expect(known).toMatchObject([{ minute: 10, ours: "5", refetchJob: JOB }]);
    expect(await store.open(series.seriesId)).toEqual([...known]);
  });

  test("tells a resolution of what was reported only, and a minute that differs anew again", async () => {
    const store = createMismatchStore(database());
    const series = await named();
    await store.found(series, [differing(10), differing(11)]);
    await store.queued(series.seriesId, [10], JOB);
    await store.reported(series, [10]);
    const resolved = await store.resolved(series, [10, 11]);
    expect(resolved.map(({ data }) => [data.change, data.lo])).toEqual([["resolved", 10]]);
    expect(await store.resolved(series, [10, 11])).toEqual([]);
    expect(await store.open(series.seriesId)).toEqual([]);
    const again = await store.found(series, [differing(10, "9"), differing(11)]);
    expect(again.events.map(({ data }) => [data.change, data.lo])).toEqual([["mismatch", 10]]);
    expect(again.known.map(({ refetchJob }) => refetchJob)).toContain(JOB);
  });

  test("open() answers the minutes of a range", async () => {
    const store = createMismatchStore(database());
    const series = await named();
    await store.found(series, [differing(12), differing(10), differing(11)]);
    const open = await store.open(series.seriesId, { lo: 10, hi: 12 });
    expect(open.map(({ minute }) => minute)).toEqual([10, 11]);
  });
});

describeDatabases("GapStore", (database) => {
  const named = async () => {
    const { id } = await makeSeries(createJobStore(database()));
    return { seriesId: id, symbol: `binance:S${id}` };
  };

  test("tells each missing minute once while it is missing, and again when it is lost anew", async () => {
    const store = createGapStore(database());
    const series = await named();
    const first = await store.found(series, { lo: 10, hi: 12 }, "not_received");
    const wider = await store.found(series, { lo: 8, hi: 15 }, "late");
    expect(first.events.map(({ data }) => data)).toEqual([
      { change: "found", lo: 10, hi: 12, reason: "not_received" },
    ]);
    expect(wider.gaps.map(({ range }) => range)).toEqual([
      { lo: 8, hi: 10 },
      { lo: 12, hi: 15 },
    ]);
    const id = first.gaps[0]?.id ?? -1;
    const filled = await store.filled(series, [id]);
    expect(filled.map(({ offset, data }) => [offset, data.change, data.lo])).toEqual([[4, "filled", 10]]);
    expect(await store.filled(series, [id])).toEqual([]);
    expect((await store.found(series, { lo: 10, hi: 11 }, "failed")).gaps).toHaveLength(1);
    expect((await store.open(series.seriesId)).map(({ range }) => range.lo)).toEqual([8, 10, 12]);
    const around = await store.within(series.seriesId, { lo: 10, hi: 12 });
    expect(around.map(({ filledAtMs }) => filledAtMs === undefined)).toEqual([false, true]);
  });

  test("by several at once, a gap is told once", async () => {
    const store = createGapStore(database());
    const series = await named();
    const found = await Promise.all(
      Array.from({ length: 4 }, () => store.found(series, { lo: 10, hi: 12 }, "not_received")),
    );
    expect(found.flatMap(({ events }) => events)).toHaveLength(1);
    expect(await store.open(series.seriesId)).toHaveLength(1);
  });
});

describeDatabases("the channel of gaps", (database) => {
  test("has an epoch before its first event, keeps it, and forgets what is too old", async () => {
    const { id: seriesId } = await makeSeries(createJobStore(database()));
    const symbol = `binance:S${seriesId}`;
    const name = gapChannel(symbol);
    const [one, other] = await Promise.all([openChannel(database(), name), openChannel(database(), name)]);
    expect([one.offset, one.epoch.length]).toEqual([0, 8]);
    expect(other).toEqual(one);
    const gaps = createGapStore(database());
    await gaps.found({ seriesId, symbol }, { lo: 1, hi: 2 }, "late");
    await database().sql`update channel set "offset" = ${EVENTS_KEPT} where name = ${name}`;
    await gaps.found({ seriesId, symbol }, { lo: 5, hi: 6 }, "late");
    expect((await readChanges(database(), name, 0, 10)).map(({ offset }) => offset)).toEqual([
      EVENTS_KEPT + 1,
    ]);
    expect(await openChannel(database(), name)).toEqual({ epoch: one.epoch, offset: EVENTS_KEPT + 1 });
  });
});
