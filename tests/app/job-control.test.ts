import { afterAll, expect, test } from "bun:test";
import * as v from "valibot";
import { JobAnswer } from "../../src/protocol/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** A request to the exchange takes longer than a chunk may take to let go, so that only letting go can end it. */
const SLOW_MS = 60_000;
/** Chunks must let go within 2 s; a busy machine is given more. */
const LET_GO_MS = 15_000;
const DAY = "2026-01-02";
const TEST_TIMEOUT_MS = 120_000;

const bench = new AppBench();
afterAll(() => bench.close());

async function start() {
  const market = createGeneratedMarket({ symbol: "DEMOUSDT", seed: 7, preset: PRESETS.thin });
  const exchange = bench.openExchange({ markets: [market] });
  const env = environment(await bench.folder(), exchange, {
    SYMBOLS: "DEMOUSDT",
    BACKFILL_CHUNK_MINUTES: "60",
  });
  const running = await bench.openApp(env, { follow: false });
  const api = new TapelineApi(running.app.url);
  const tell = async (id: string, word: string, body: unknown = {}) => {
    const answer = await fetch(`${running.app.url}/api/v1/backfill/${id}/${word}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const leased = async (id: string) => (await running.app.engine()?.jobs.job(id))?.leased;
  const isLeased = (id: string, holds: (count: number) => boolean, timeoutMs?: number) =>
    until("the chunks to be taken or let go", async () => holds((await leased(id)) ?? -1), timeoutMs);
  return { exchange, running, api, tell, isLeased };
}

test(
  "a running backfill obeys over HTTP: pause, resume, cancel and retry, each within the time that a chunk needs to let go",
  async () => {
    const { exchange, running, api, tell, isLeased } = await start();
    const { faults } = exchange.exchange;
    // Looking a symbol up reads trades too, and is not what is slow here.
    await api.ended(await api.backfill("DEMOUSDT", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"));
    const slowed = faults.add({ kind: "latency", path: "/api/v3/aggTrades", ms: SLOW_MS });
    const id = await api.backfill("DEMOUSDT", DAY, DAY);
    await isLeased(id, (count) => count > 0);

    const paused = await tell(id, "pause");
    expect([paused.status, v.parse(JobAnswer, paused.body).status]).toEqual([200, "paused"]);
    await isLeased(id, (count) => count === 0, LET_GO_MS);
    expect(await tell(id, "pause")).toMatchObject({ status: 409, body: { state: "paused" } });

    expect((await tell(id, "resume")).status).toBe(200);
    await isLeased(id, (count) => count > 0);
    const cancelled = await tell(id, "cancel");
    expect(v.parse(JobAnswer, cancelled.body)).toMatchObject({ status: "cancelled" });
    await isLeased(id, (count) => count === 0, LET_GO_MS);
    expect(await api.job(id)).toMatchObject({ status: "cancelled", chunks_done: 0, chunks_cancelled: 24 });
    expect(await tell(id, "resume")).toMatchObject({ status: 409, body: { state: "cancelled" } });

    faults.remove(slowed);
    const symbols = ["DEMOUSDT"];
    expect(v.parse(JobAnswer, (await tell(id, "retry", { symbols })).body).status).toBe("pending");
    expect(await api.ended(id, TEST_TIMEOUT_MS)).toMatchObject({ status: "complete", chunks_done: 24 });
    expect(await tell(id, "retry")).toMatchObject({ status: 409, body: { state: "complete" } });
    const moves = await running.app.engine()?.jobs.events(`backfill:${id}`, 0, 100);
    expect(moves?.map(({ data }) => data.to)).toEqual([
      "pending",
      "in_progress",
      "paused",
      "pending",
      "in_progress",
      "cancelled",
      "pending",
      "in_progress",
      "complete",
    ]);
    // Letting go spent no attempt and asked for nothing in vain that is counted as a failure.
    expect(running.log.filter(({ level }) => level === "error")).toEqual([]);
    expect(running.fatal).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);

test(
  "a job whose deadline passes ends in error with what it reached, and a retry fetches the rest",
  async () => {
    const { exchange, running, api, tell, isLeased } = await start();
    const { faults } = exchange.exchange;
    const slowed = faults.add({ kind: "latency", path: "/api/v3/aggTrades", after: 2, ms: SLOW_MS });
    const answer = await fetch(`${running.app.url}/api/v1/backfill`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ symbols: ["DEMOUSDT"], start_date: DAY, end_date: DAY, deadline_seconds: 2 }),
    });
    const { job_id: id } = v.parse(v.object({ job_id: v.string() }), await answer.json());
    const expired = await api.ended(id, TEST_TIMEOUT_MS);
    expect(expired.status).toBe("error");
    expect(expired.error).toMatch(/^the deadline of \S+ passed with \d+ of 24 chunks committed/);
    await isLeased(id, (count) => count === 0, LET_GO_MS);
    faults.remove(slowed);
    expect((await tell(id, "retry")).status).toBe(200);
    expect(await api.ended(id, TEST_TIMEOUT_MS)).toMatchObject({
      status: "complete",
      chunks_done: 24,
      deadline_at: null,
      error: null,
    });
  },
  TEST_TIMEOUT_MS,
);
