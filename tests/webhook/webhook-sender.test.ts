import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { createJobStore } from "../../src/backfill/mod.ts";
import type { WebhookFacts } from "../../src/protocol/mod.ts";
import { DeliveryStore } from "../../src/webhook/delivery-store.ts";
import type { Address, TargetOptions } from "../../src/webhook/targets.ts";
import { WebhookTargets } from "../../src/webhook/targets.ts";
import { WebhookSender } from "../../src/webhook/webhook-sender.ts";
import { WebhookStore } from "../../src/webhook/webhook-store.ts";
import { Webhooks } from "../../src/webhook/webhooks.ts";
import { describeDatabases } from "../support/databases.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";
import { Receiver } from "./receiver.ts";

const HOUR_MS = 3_600_000;
const LOG = { limit: 100 };
let names = 0;

/** One process that sends, over the clock of its test. */
function processOf(database: Database, clock: FakeClock, options: TargetOptions = { allowPrivate: true }) {
  const deliveries = new DeliveryStore(database);
  const targets = new WebhookTargets(options);
  const warned: string[] = [];
  const sender = new WebhookSender({
    deliveries,
    targets,
    clock,
    random: () => 0,
    log: { warn: (_, message) => warned.push(message) },
  });
  const webhooks = new Webhooks({
    store: new WebhookStore(database),
    deliveries,
    targets,
    nowMs: () => clock.nowMs(),
    changed: () => sender.nudge(),
  });
  return { sender, webhooks, deliveries, warned };
}

describeDatabases("WebhookSender", (database) => {
  let clock: FakeClock;
  let receiver: Receiver;
  const running: WebhookSender[] = [];

  function start(options?: TargetOptions) {
    const process = processOf(database(), clock, options);
    process.sender.start();
    running.push(process.sender);
    return process;
  }

  /** A job's first transition: a job without chunks is complete at once. */
  async function transition(): Promise<string> {
    const { job } = await createJobStore(database()).createJob({
      request: { symbols: ["X"] },
      requestKey: `webhook-${names++}`,
      dataset: "trades",
      maxParallel: 1,
      chunks: [],
    });
    return job.id;
  }

  async function made(
    { webhooks }: ReturnType<typeof processOf>,
    events: string[] = [],
  ): Promise<{ webhook: WebhookFacts; secret: string }> {
    const outcome = await webhooks.create({ url: receiver.url, events });
    if (outcome.kind !== "created") throw new Error(outcome.kind);
    return outcome;
  }

  const logOf = ({ deliveries }: ReturnType<typeof processOf>, { id }: WebhookFacts) =>
    deliveries.list(id, LOG);

  /** Moves the clock and lets what is due then be looked at. */
  function pass(ms: number): void {
    clock.advance(ms);
    for (const sender of running) sender.nudge();
  }

  beforeEach(async () => {
    // The receiver's library compares with the machine's clock.
    clock = new FakeClock(Date.now());
    receiver = await Receiver.start();
    await database().sql`truncate webhook cascade`;
  });
  afterEach(async () => {
    for (const sender of running.splice(0)) await sender.stop();
    await receiver.stop();
    expect(clock.pending).toBe(0);
  });

  test("a transition is told once, signed, and stands in the log", async () => {
    await transition();
    const process = start();
    const { webhook, secret } = await made(process);
    const jobId = await transition();
    process.sender.nudge();
    await until("it is delivered", async () => (await logOf(process, webhook))[0]?.status === "delivered");
    expect(receiver.received).toHaveLength(1);
    const payload = Receiver.verify(secret, receiver.received[0]!);
    expect(payload).toMatchObject({
      type: "backfill.complete",
      data: { job_id: jobId, from: "idle", to: "complete" },
    });
    expect(payload.timestamp).toBe(String(payload.data["at"]));
    expect(() => Receiver.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", receiver.received[0]!)).toThrow();
    const [delivery] = await logOf(process, webhook);
    expect(delivery).toMatchObject({
      eventOffset: payload.data.offset,
      eventType: "backfill.complete",
      messageId: receiver.received[0]!.id,
      attempt: 1,
      responseCode: 204,
      error: null,
      payload,
    });
  });

  test("every event becomes one delivery for each webhook that wants it, whoever looks and however often", async () => {
    const process = processOf(database(), clock);
    const all = await made(process);
    const errors = await made(process, ["backfill.error"]);
    const completes = await made(process, ["backfill.complete", "backfill.error"]);
    for (let n = 0; n < 5; n++) await transition();
    const stores = [1, 2, 3].map(() => new DeliveryStore(database()));
    for (let round = 0; round < 4; round++)
      await Promise.all(stores.map((store) => store.fanOut(clock.nowMs())));
    const counts = [];
    for (const { webhook } of [all, errors, completes]) counts.push((await logOf(process, webhook)).length);
    expect(counts).toEqual([5, 0, 5]);
    const offsets = (await logOf(process, all.webhook)).map(({ eventOffset }) => eventOffset);
    expect(offsets).toEqual(offsets.map((_, at) => offsets[0]! - at));
  });

  test("failures are tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, and then given up", async () => {
    receiver.answer = (response) => response.writeHead(500).end("no");
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      const [delivery] = await until(`attempt ${attempt} has ended`, async () => {
        const log = await logOf(process, webhook);
        const ended = log[0]?.status === "failed" || (log[0]?.nextAttemptAtMs ?? 0) > clock.nowMs();
        return log[0]?.attempt === attempt && ended && log;
      });
      if (delivery?.status !== "pending") break;
      const waitMs = delivery.nextAttemptAtMs - clock.nowMs();
      waits.push(waitMs);
      pass(waitMs - 1);
      expect(receiver.received).toHaveLength(attempt);
      pass(1);
    }
    expect(waits).toEqual([5_000, 300_000, 1_800_000, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS]);
    expect((await logOf(process, webhook))[0]).toMatchObject({
      status: "failed",
      attempt: 7,
      responseCode: 500,
      error: "the receiver answered 500; that was attempt 7, the last",
    });
    expect(receiver.received).toHaveLength(7);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
  });

  async function leased(): Promise<boolean> {
    const rows = await database().sql`select 1 from webhook_delivery where lease_until is not null`;
    return rows.length > 0;
  }

  test("a receiver that asks for more time gets it", async () => {
    receiver.answer = (response) => response.writeHead(503, { "retry-after": "3600" }).end();
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    await until("it was refused", async () => (await logOf(process, webhook))[0]?.responseCode === 503);
    expect((await logOf(process, webhook))[0]?.nextAttemptAtMs).toBe(clock.nowMs() + HOUR_MS);
  });

  test("410 ends the delivery and disables the webhook; switched on, it goes on from now", async () => {
    receiver.answer = (response) => response.writeHead(410).end();
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    await until("it is disabled", async () => (await process.webhooks.find(webhook.id))?.enabled === false);
    expect((await process.webhooks.find(webhook.id))?.disabledReason).toMatch(/410/);
    const [failed] = await logOf(process, webhook);
    expect(failed?.status).toBe("failed");
    expect(await process.webhooks.resend(webhook.id, failed?.id ?? 0)).toEqual({ kind: "disabled" });
    await transition();
    receiver.answer = (response) => response.writeHead(204).end();
    await process.webhooks.change(webhook.id, { enabled: true });
    const jobId = await transition();
    process.sender.nudge();
    await until("the later event is told", () => receiver.received.length === 2);
    expect(receiver.received[1]?.body).toContain(jobId);
    await until("it is written down", async () => (await logOf(process, webhook))[0]?.status === "delivered");
    expect(await logOf(process, webhook)).toHaveLength(2);
  });

  test("a delivery is sent again when it is asked for, under the same message id", async () => {
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    const [delivery] = await until("it is delivered", async () => {
      const log = await logOf(process, webhook);
      return log[0]?.status === "delivered" && log;
    });
    const id = delivery?.id ?? 0;
    expect(await process.webhooks.resend(webhook.id, id)).toMatchObject({
      kind: "resent",
      delivery: { status: "pending", attempt: 0 },
    });
    await until("it was sent again", () => receiver.received.length === 2);
    await until(
      "it is delivered again",
      async () => (await logOf(process, webhook))[0]?.status === "delivered",
    );
    expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id ?? "");
    expect(await process.webhooks.resend(webhook.id, id + 1_000)).toEqual({ kind: "unknown_delivery" });
    expect(await process.webhooks.resend("0190b8a4-0000-7000-8000-000000000001", id)).toEqual({
      kind: "unknown_webhook",
    });
  });

  test("several processes send each delivery once", async () => {
    const processes = [start(), start(), start()];
    const { webhook } = await made(processes[0]!);
    for (let n = 0; n < 12; n++) await transition();
    pass(0);
    await until("all are delivered", async () => {
      const log = await logOf(processes[0]!, webhook);
      if (log.length === 12 && log.every(({ status }) => status === "delivered")) return true;
      pass(1_000);
      return false;
    });
    expect(receiver.received.map(({ id }) => id).sort()).toEqual(
      [...new Set(receiver.received.map(({ id }) => id))].sort(),
    );
    expect(receiver.received).toHaveLength(12);
  });

  test("a delivery whose process died is sent by another, and the dead one can write nothing", async () => {
    const dead = processOf(database(), clock);
    const { webhook } = await made(dead);
    await transition();
    await dead.deliveries.fanOut(clock.nowMs());
    const [taken] = await dead.deliveries.take(clock.nowMs(), 30_000, 8);
    expect(await dead.deliveries.take(clock.nowMs(), 30_000, 8)).toEqual([]);
    expect(await dead.webhooks.resend(webhook.id, taken?.id ?? 0)).toEqual({ kind: "busy" });
    await database().sql`update webhook_delivery set lease_until = now() - interval '1 second'`;
    // Another process has it by now: what the dead one has to say counts no more.
    const [again] = await new DeliveryStore(database()).take(clock.nowMs(), 30_000, 8);
    expect(again).toMatchObject({ id: taken?.id, attempt: 2 });
    expect(await dead.deliveries.settle(taken!, { kind: "failed", responseCode: null, error: "x" })).toBe(
      false,
    );
    await database().sql`update webhook_delivery set lease_until = now() - interval '1 second'`;
    const process = start();
    await until("it is delivered", async () => (await logOf(process, webhook))[0]?.status === "delivered");
    expect(await dead.deliveries.settle(taken!, { kind: "failed", responseCode: null, error: "x" })).toBe(
      false,
    );
    expect((await logOf(process, webhook))[0]).toMatchObject({ status: "delivered", attempt: 3 });
  });

  test("stopping gives a delivery under way back without spending its attempt", async () => {
    receiver.answer = () => {};
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    await until("it is under way", () => receiver.received.length === 1);
    await process.sender.stop();
    expect(await leased()).toBe(false);
    expect((await logOf(process, webhook))[0]).toMatchObject({ status: "pending", attempt: 0 });
  });

  test("a receiver that never answers is given up after 10 s", async () => {
    receiver.answer = () => {};
    const process = start();
    const { webhook } = await made(process);
    await transition();
    process.sender.nudge();
    await until("it is under way", () => receiver.received.length === 1);
    clock.advance(10_000);
    await until(
      "it was given up",
      async () => (await logOf(process, webhook))[0]?.error === "no answer within 10 s",
    );
  });

  test("a name that is moved to a private address after it was taken is not sent to", async () => {
    let addresses: Address[] = [{ address: "93.184.216.34", family: 4 }];
    const process = start({ allowPrivate: false, resolve: async () => addresses });
    const outcome = await process.webhooks.create({ url: "https://rebound.example.com/hook", events: [] });
    if (outcome.kind !== "created") throw new Error(outcome.kind);
    addresses = [{ address: "127.0.0.1", family: 4 }];
    await transition();
    process.sender.nudge();
    const log = await until("it was refused", async () => {
      const found = await logOf(process, outcome.webhook);
      return found[0]?.error !== null && found.length > 0 && found;
    });
    expect(log[0]).toMatchObject({
      responseCode: null,
      error: expect.stringMatching(/not a public address/),
    });
    expect(receiver.received).toEqual([]);
    const refused = await process.webhooks.create({ url: "https://rebound.example.com/hook", events: [] });
    expect(refused.kind).toBe("refused");
  });

  test("DeliveryStore.prune(), forgets what ended long ago and keeps what waits", async () => {
    const process = processOf(database(), clock);
    const { webhook } = await made(process);
    for (let n = 0; n < 3; n++) await transition();
    while (await process.deliveries.fanOut(clock.nowMs()));
    const [first] = await process.deliveries.take(clock.nowMs(), 1_000, 1);
    await process.deliveries.settle(first!, { kind: "delivered", atMs: clock.nowMs(), responseCode: 200 });
    expect(await process.deliveries.prune(clock.nowMs())).toBe(0);
    expect(await process.deliveries.prune(clock.nowMs() + 1)).toBe(1);
    expect(await logOf(process, webhook)).toHaveLength(2);
  });
});
