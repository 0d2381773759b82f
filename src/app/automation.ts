import type { Database } from "../../db/mod.ts";
import { type Clock, symbolName } from "../core/mod.ts";
import type { SchedulesFace, SubmitOutcome, Unavailable, WebhooksFace } from "../http/mod.ts";
import { type BackfillRequest, parseBackfillRequest } from "../protocol/mod.ts";
import { type RunOutcome, Scheduler, ScheduleStore, Schedules } from "../schedule/mod.ts";
import { DeliveryStore, WebhookSender, WebhookStore, Webhooks, WebhookTargets } from "../webhook/mod.ts";
import type { EngineLog } from "./engine-log.ts";

export interface AutomationDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: () => number;
  readonly yieldTurn: () => Promise<void>;
  readonly log: EngineLog;
  readonly defaultVenue: string;
  /** Whether webhooks may go to private addresses and over plain http. */
  readonly webhooksAllowPrivate: boolean;
  readonly submit: (
    request: BackfillRequest,
    options: { readonly signal: AbortSignal; readonly requestKey: string },
  ) => Promise<SubmitOutcome>;
}

/** What happens by itself: recurring backfills, and other programs told of jobs. */
export class Automation {
  readonly schedules: Schedules;
  readonly webhooks: Webhooks;
  readonly #scheduler: Scheduler;
  readonly #sender: WebhookSender;

  constructor(deps: AutomationDeps) {
    const { database, clock, random, yieldTurn, log } = deps;
    const nowMs = () => clock.nowMs();
    const store = new ScheduleStore(database);
    this.#scheduler = new Scheduler({
      store,
      clock,
      yieldTurn,
      log,
      submit: (body, requestKey, signal) => submitRun(deps, body, requestKey, signal),
    });
    this.schedules = new Schedules({ store, nowMs, changed: () => this.#scheduler.nudge() });
    const targets = new WebhookTargets({ allowPrivate: deps.webhooksAllowPrivate });
    const deliveries = new DeliveryStore(database);
    this.#sender = new WebhookSender({ deliveries, targets, clock, random, log });
    this.webhooks = new Webhooks({
      store: new WebhookStore(database),
      deliveries,
      targets,
      nowMs,
      changed: () => this.#sender.nudge(),
    });
  }

  start(): void {
    this.#scheduler.start();
    this.#sender.start();
  }

  /** A job has moved. */
  jobMoved(): void {
    this.#sender.nudge();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#scheduler.stop(), this.#sender.stop()]);
  }
}

async function submitRun(
  { clock, defaultVenue, submit }: AutomationDeps,
  body: unknown,
  requestKey: string,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const parsed = parseBackfillRequest(body, { defaultVenue, nowMs: clock.nowMs() });
  if (parsed.kind === "refused") return { kind: "refused", reason: parsed.problem.detail };
  const outcome = await submit(parsed.request, { signal, requestKey });
  switch (outcome.kind) {
    case "accepted":
      return { kind: "submitted", jobId: outcome.jobId };
    case "unknown_venue":
      return {
        kind: "refused",
        reason: `unknown venue of ${outcome.symbols.map(symbolName).join(", ")}; known: ${outcome.known.join(", ")}`,
      };
    case "too_large":
      return { kind: "refused", reason: outcome.detail };
    case "unavailable":
      return {
        kind: "unavailable",
        reason: outcome.detail,
        retryAfterMs: outcome.retryAfterSeconds * 1_000,
      };
  }
}

/** The HTTP faces of an automation that may still be opening: calls wait for it, as long as their client does. */
export function automationFaces(
  automation: (signal: AbortSignal) => Promise<Automation | undefined>,
  starting: Unavailable,
): { readonly schedules: SchedulesFace; readonly webhooks: WebhooksFace } {
  const schedules = async (signal: AbortSignal) => (await automation(signal))?.schedules;
  const webhooks = async (signal: AbortSignal) => (await automation(signal))?.webhooks;
  return {
    schedules: {
      list: async ({ signal }) => (await schedules(signal))?.list() ?? starting,
      find: async (id, { signal }) => {
        const open = await schedules(signal);
        return open === undefined ? starting : open.find(id);
      },
      create: async (body, { signal }) => (await schedules(signal))?.create(body) ?? starting,
      change: async (id, change, { signal }) => (await schedules(signal))?.change(id, change) ?? starting,
      remove: async (id, { signal }) => (await schedules(signal))?.remove(id) ?? starting,
    },
    webhooks: {
      list: async ({ signal }) => (await webhooks(signal))?.list() ?? starting,
      find: async (id, { signal }) => {
        const open = await webhooks(signal);
        return open === undefined ? starting : open.find(id);
      },
      create: async (body, { signal }) => (await webhooks(signal))?.create(body) ?? starting,
      change: async (id, change, { signal }) => {
        const open = await webhooks(signal);
        return open === undefined ? starting : open.change(id, change);
      },
      remove: async (id, { signal }) => (await webhooks(signal))?.remove(id) ?? starting,
      deliveries: async (id, query, { signal }) => {
        const open = await webhooks(signal);
        return open === undefined ? starting : open.deliveries(id, query);
      },
      resend: async (id, deliveryId, { signal }) =>
        (await webhooks(signal))?.resend(id, deliveryId) ?? starting,
    },
  };
}
