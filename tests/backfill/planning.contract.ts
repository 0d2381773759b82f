import { beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { createPlanningStore, type PlanningStore } from "../../src/backfill/store/planning.ts";
import type { NewJob, NewPart } from "../../src/backfill/store/types.ts";
import { invariant } from "../../src/core/mod.ts";
import {
  chunksOf,
  clearWork,
  deriveCounters,
  fresh,
  jobOf,
  makeSeries,
  mustClaim,
} from "./job-store-support.ts";

const TURN_MS = 60_000;

/** Jobs that are planned in the background: what every database must do the same way. */
export function planningContract(database: () => Database): void {
  let store: JobStore;
  let planning: PlanningStore;
  beforeEach(async () => {
    store = createJobStore(database());
    planning = createPlanningStore(database());
    await clearWork(database());
  });

  const waiting = (symbol = fresh("NEW")): NewPart => ({ venue: "binance", symbol });
  const make = async (parts: readonly NewPart[], more: Partial<NewJob> = {}) =>
    (await store.createJob(jobOf([], { parts, ...more }))).job;
  const statuses = async (id: string) => (await store.jobDetails(id)).map(({ status }) => status);
  const settled = (outcome: Awaited<ReturnType<PlanningStore["planSymbol"]>>) => {
    invariant(outcome.kind === "planned", "the symbol waited");
    return outcome;
  };

  test("createJob() with a symbol that waits is pending without chunks, and does not end before it is planned", async () => {
    const [known, later] = [await makeSeries(store), waiting()];
    const { job } = await store.createJob(
      jobOf(chunksOf(known.id, 1), { parts: [{ ...known, seriesId: known.id }, later] }),
    );
    expect(job).toMatchObject({ status: "pending", planning: true, chunksTotal: 1 });
    const { lease } = await mustClaim(store);
    const committed = await store.commit(lease, { recordsFetched: 1 });
    expect(committed).toMatchObject({
      kind: "committed",
      events: [],
      job: { status: "in_progress", chunksDone: 1 },
    });
    expect(await statuses(job.id)).toEqual(["complete", "pending"]);
    const late = await makeSeries(store);
    const planned = settled(await planning.planSymbol(job.id, later, late.id, chunksOf(late.id, 2)));
    expect(planned.job).toMatchObject({ status: "in_progress", planning: false, chunksTotal: 3 });
    expect((await mustClaim(store)).series.id).toBe(late.id);
    expect(await store.job(job.id)).toMatchObject({ ...(await deriveCounters(database(), job.id)) });
  });

  test("planSymbol() of the last symbol ends a job that has nothing (left) to fetch", async () => {
    const job = await make([waiting("EMPTYA"), waiting("EMPTYB")]);
    const { id } = await makeSeries(store);
    const first = settled(await planning.planSymbol(job.id, waiting("EMPTYA"), id, []));
    expect([first.job.status, first.job.planning, first.events.length]).toEqual(["pending", true, 0]);
    const last = settled(await planning.planSymbol(job.id, waiting("EMPTYB"), id, []));
    expect([last.job.status, last.job.planning, last.job.progressPct]).toEqual(["complete", false, 100]);
    expect(last.events.map(({ data }) => [data.from, data.to])).toEqual([
      ["pending", "complete"],
      ["pending", "complete"],
    ]);
  });

  test("refuseSymbol() ends one symbol in error and names it; of all symbols it ends the job in error", async () => {
    const job = await make([waiting("NOPE"), waiting("NADA")]);
    settled(await planning.refuseSymbol(job.id, waiting("NOPE"), "NOPE: invalid symbol"));
    expect(await statuses(job.id)).toEqual(["error", "pending"]);
    const ended = settled(await planning.refuseSymbol(job.id, waiting("NADA"), "NADA: invalid symbol"));
    expect(ended.job).toMatchObject({ status: "error", error: "NADA: invalid symbol", chunksTotal: 0 });
    expect((await store.jobDetails(job.id)).map(({ error }) => error)).toEqual([
      "NOPE: invalid symbol",
      "NADA: invalid symbol",
    ]);

    const mixed = await make([waiting("NOPE"), waiting("FINE")]);
    settled(await planning.refuseSymbol(mixed.id, waiting("NOPE"), "invalid symbol"));
    const { id } = await makeSeries(store);
    expect(settled(await planning.planSymbol(mixed.id, waiting("FINE"), id, [])).job.status).toBe("complete");
    expect(await statuses(mixed.id)).toEqual(["error", "complete"]);
  });

  test("fail() of every chunk does not end a job in error while another symbol had nothing to fetch", async () => {
    const [gone, covered] = [await makeSeries(store), await makeSeries(store)];
    const parts = [gone, covered].map(({ venue, symbol, id }) => ({ venue, symbol, seriesId: id }));
    const { job } = await store.createJob(jobOf(chunksOf(gone.id, 1), { parts }));
    await store.fail((await mustClaim(store)).lease, { error: "gone" });
    expect((await store.job(job.id))?.status).toBe("complete");
    expect(await statuses(job.id)).toEqual(["error", "complete"]);
  });

  test("two planners of one symbol write its chunks once", async () => {
    const job = await make([waiting("ONCE")]);
    const { id } = await makeSeries(store);
    const plan = () => planning.planSymbol(job.id, waiting("ONCE"), id, chunksOf(id, 3));
    const outcomes = await Promise.all([plan(), plan(), plan()]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["ended", "ended", "planned"]);
    expect(await store.job(job.id)).toMatchObject({ chunksTotal: 3, planning: false });
    expect(await planning.refuseSymbol(job.id, waiting("ONCE"), "late")).toEqual({ kind: "ended" });
  });

  test("claimPlanning() gives a job to one planner at a time, the longest waiting first, and again after its turn", async () => {
    const first = await make([waiting("A1"), waiting("A2")]);
    const second = await make([waiting("B1")]);
    expect(await planning.planningDueMs()).toBe(0);
    const turn = await planning.claimPlanning(TURN_MS, 1);
    expect(turn).toMatchObject({
      job: { id: first.id },
      symbols: [{ venue: "binance", symbol: "A1", attempt: 0 }],
    });
    expect((await planning.claimPlanning(TURN_MS, 9))?.job.id).toBe(second.id);
    expect(await planning.claimPlanning(TURN_MS, 9)).toBeUndefined();
    expect(await planning.planningDueMs()).toBeGreaterThan(TURN_MS / 2);
    await planning.countAttempt(first.id, waiting("A1"), "no answer");
    await planning.endTurn(first.id, 0);
    const again = await planning.claimPlanning(TURN_MS, 9);
    expect(again?.symbols.map(({ symbol, attempt }) => [symbol, attempt])).toEqual([
      ["A2", 0],
      ["A1", 1],
    ]);
    await planning.releaseTurns();
    expect(await planning.planningDueMs()).toBe(0);
  });

  test("a job that was cancelled is planned no further, and a retry goes on with what waits", async () => {
    const job = await make([waiting("STOP"), waiting("NOPE")]);
    settled(await planning.refuseSymbol(job.id, waiting("NOPE"), "invalid symbol"));
    await store.control(job.id, { kind: "cancel" });
    const { id } = await makeSeries(store);
    expect(await planning.planSymbol(job.id, waiting("STOP"), id, chunksOf(id, 1))).toEqual({
      kind: "ended",
    });
    expect(await planning.claimPlanning(TURN_MS, 9)).toBeUndefined();
    expect(await statuses(job.id)).toEqual(["cancelled", "error"]);
    expect(await store.control(job.id, { kind: "retry" })).toMatchObject({
      kind: "moved",
      job: { planning: true },
    });
    expect((await planning.claimPlanning(TURN_MS, 9))?.symbols.map(({ symbol }) => symbol)).toEqual([
      "STOP",
      "NOPE",
    ]);
    settled(await planning.planSymbol(job.id, waiting("NOPE"), id, []));
    expect(settled(await planning.planSymbol(job.id, waiting("STOP"), id, [])).job.status).toBe("complete");
  });

  test("endPlanning() ends a job whose symbols are all planned", async () => {
    const job = await make([waiting("LAST")]);
    const { id } = await makeSeries(store);
    settled(await planning.planSymbol(job.id, waiting("LAST"), id, chunksOf(id, 1)));
    await database().sql`update backfill_job set planning = true where id = ${job.id}`;
    expect(settled(await planning.endPlanning(job.id)).job).toMatchObject({
      planning: false,
      status: "pending",
    });
  });
}
