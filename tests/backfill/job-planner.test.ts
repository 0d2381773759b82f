import { afterEach, expect, test } from "bun:test";
import { JobPlanner, type JobPlannerDeps } from "../../src/backfill/job-planner.ts";
import type { PlanningStore, WaitingSymbol } from "../../src/backfill/store/planning.ts";
import { OperationFailure } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { newProgress } from "./memory-job-store.ts";

const job = newProgress({ planning: true });
const settled = { kind: "planned" as const, job, events: [] };
const waiting = (symbol: string, attempt = 0): WaitingSymbol => ({ venue: "binance", symbol, attempt });

class Bench {
  readonly clock = new FakeClock();
  readonly calls: string[] = [];
  turns: WaitingSymbol[][] = [];
  dueMs: number | undefined;
  plan: JobPlannerDeps["plan"] = async () => ({ seriesId: 1, chunks: [] });
  claim: PlanningStore["claimPlanning"] = async () => {
    const symbols = this.turns.shift();
    return symbols && { job, symbols };
  };
  readonly planner = new JobPlanner({
    planning: {
      claimPlanning: (turnMs, max) => this.claim(turnMs, max),
      planSymbol: async (_job, { symbol }) => this.#say(`planned ${symbol}`),
      refuseSymbol: async (_job, { symbol }, error) => this.#say(`refused ${symbol}: ${error}`),
      endPlanning: async () => this.#say("planning over"),
      countAttempt: async (_job, { symbol }, error) => {
        this.calls.push(`attempt ${symbol}: ${error}`);
      },
      endTurn: async (_job, delayMs) => {
        this.calls.push(`turn over, again in ${delayMs}`);
      },
      planningDueMs: async () => this.dueMs,
      releaseTurns: async () => undefined,
    },
    plan: (...args) => this.plan(...args),
    timers: this.clock,
    random: () => 0.5,
    onSettled: () => this.calls.push("settled"),
    onWork: () => this.calls.push("work"),
    warn: (message) => this.calls.push(message),
  });

  #say(call: string) {
    this.calls.push(call);
    return settled;
  }
}

let bench: Bench;
afterEach(() => bench.planner.stop());

async function run(turn: WaitingSymbol[], thrown?: Error): Promise<string[]> {
  bench = new Bench();
  bench.turns = [turn];
  if (thrown !== undefined)
    bench.plan = async () => {
      throw thrown;
    };
  bench.planner.start();
  await bench.clock.run(0);
  return bench.calls;
}

test("JobPlanner, a symbol that was looked up is planned and its chunks may run", async () => {
  expect(await run([waiting("A")])).toEqual(["planned A", "settled", "work", "turn over, again in 0"]);
});

test("JobPlanner, a symbol that cannot be served ends at once and the others go on", async () => {
  bench = new Bench();
  bench.turns = [[waiting("NOPE"), waiting("A")]];
  bench.plan = async (_job, { symbol }) => {
    if (symbol === "NOPE") throw new OperationFailure("permanent", "invalid symbol");
    return { seriesId: 1, chunks: [] };
  };
  bench.planner.start();
  await bench.clock.run(0);
  expect(bench.calls).toContain("refused NOPE: invalid symbol");
  expect(bench.calls).toContain("planned A");
});

test("JobPlanner, a failure by chance is tried again later, and given up after five times", async () => {
  const failure = new OperationFailure("transient", "no answer");
  expect(await run([waiting("A", 1)], failure)).toEqual(["attempt A: no answer", "turn over, again in 500"]);
  expect(await run([waiting("A", 4)], failure)).toContain("refused A: no answer (tried 5 times)");
});

test("JobPlanner, a wait that the venue asks for costs no attempt", async () => {
  const banned = new OperationFailure("banned", "shut out", { retryAfterMs: 120_000 });
  expect(await run([waiting("A", 4)], banned)).toEqual(["turn over, again in 120000"]);
  const throttled = new OperationFailure("throttled", "429");
  expect(await run([waiting("A", 4)], throttled)).toEqual(["turn over, again in 1000"]);
});

test("JobPlanner, a job whose symbols are all planned is ended", async () => {
  expect(await run([])).toEqual(["planning over", "settled", "work", "turn over, again in 0"]);
});

test("JobPlanner, looks again when it is nudged, when a turn falls due, and after the database was away", async () => {
  bench = new Bench();
  bench.dueMs = 700;
  let looked = 0;
  bench.claim = async () => {
    looked++;
    if (looked === 3) throw new Error("connection lost");
    return undefined;
  };
  bench.planner.start();
  await bench.clock.run(0);
  expect(looked).toBe(1);
  bench.planner.nudge();
  await bench.clock.run(0);
  expect(looked).toBe(2);
  await bench.clock.run(700);
  expect(looked).toBe(3);
  expect(bench.calls).toEqual(["planning jobs: the job store could not be asked: connection lost"]);
  await bench.clock.run(1_000);
  expect(looked).toBe(4);
});

test("JobPlanner.stop(), ends look-ups under way and gives the turn back", async () => {
  bench = new Bench();
  bench.turns = [[waiting("SLOW")]];
  bench.plan = (_job, _symbol, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  bench.planner.start();
  await bench.clock.run(0);
  await bench.planner.stop();
  expect(bench.calls).toEqual(["turn over, again in 0"]);
});
