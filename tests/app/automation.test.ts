import { afterAll, expect, test } from "bun:test";
import * as v from "valibot";
import { MS_PER_MINUTE } from "../../src/core/mod.ts";
import { ScheduleAnswer, WebhookCreated } from "../../src/protocol/mod.ts";
import { type ThisProcess, thisProcess } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { getJson, TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";
import { Receiver } from "../webhook/receiver.ts";

/** Nothing here needs so long; a busy machine does. */
const WAIT_MS = 90_000;
const TEST_TIMEOUT_MS = 300_000;

const bench = new AppBench();
afterAll(() => bench.close());

test(
  "a schedule submits its backfill when it is due, and a webhook is told of every state of it",
  async () => {
    // One clock for the app and its exchange, which the test can put forward.
    let forwardMs = 0;
    const nowMs = () => Date.now() + forwardMs;
    const machine = thisProcess();
    const host: ThisProcess = { ...machine, clock: (offsetMs) => ({ ...machine.clock(offsetMs), nowMs }) };
    const market = createGeneratedMarket({ symbol: "DEMOUSDT", seed: 7, preset: PRESETS.thin });
    const exchange = bench.openExchange({ markets: [market], clock: nowMs });
    const receiver = await Receiver.start();
    bench.opened(() => receiver.stop());
    const env = environment(await bench.folder(), exchange, {
      SYMBOLS: "DEMOUSDT",
      CONTEXT_BACKFILL_ENABLED: "false",
      WEBHOOK_ALLOW_PRIVATE: "true",
    });
    const running = await bench.openApp(env, { follow: true, host });
    const send = async (method: string, path: string, body: unknown) => {
      const answer = await fetch(`${running.app.url}${path}`, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(answer.ok).toBe(true);
      return answer.json();
    };
    const webhook = v.parse(WebhookCreated, await send("POST", "/api/v1/webhooks", { url: receiver.url }));
    const { id } = v.parse(
      ScheduleAnswer,
      await send("POST", "/api/v1/schedules", {
        name: "every minute",
        cron: "* * * * *",
        request: { symbols: ["DEMOUSDT"], range: { minutes_back: 120 }, priority: 1 },
      }),
    );
    // To the next minute; a change wakes the scheduler, whose timer knows nothing of this.
    forwardMs = MS_PER_MINUTE - (Date.now() % MS_PER_MINUTE);
    await send("PATCH", `/api/v1/schedules/${id}`, { name: "each minute" });
    const ran = await until(
      "the schedule to run",
      async () => {
        const schedule = await getJson(`${running.app.url}/api/v1/schedules/${id}`, ScheduleAnswer);
        return schedule.last_job_id !== null && schedule;
      },
      WAIT_MS,
    );
    const jobId = ran.last_job_id ?? "";
    const job = await new TapelineApi(running.app.url).ended(jobId, WAIT_MS);
    expect(job).toMatchObject({ status: "complete" });
    expect(Date.parse(job.date_range.end)).toBe(Date.parse(ran.last_run_at ?? ""));
    const told = await until(
      "the webhook to be told of the end",
      () => {
        const payloads = receiver.received.map((each) => Receiver.verify(webhook.secret, each));
        const ofJob = payloads.filter(({ data }) => data.job_id === jobId);
        return ofJob.some(({ type }) => type === "backfill.complete") && ofJob;
      },
      WAIT_MS,
    );
    const types = told.toSorted((a, b) => a.data.offset - b.data.offset).map(({ type }) => type);
    expect(types.at(-1)).toBe("backfill.complete");
    expect(types).toContain("backfill.in_progress");
    expect(running.log.filter(({ level }) => level === "error")).toEqual([]);
    expect(running.fatal).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
