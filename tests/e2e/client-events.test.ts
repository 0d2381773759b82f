import { afterAll, expect, test } from "bun:test";
import { type JobTransition, type StreamUpdate, Tapeline, type WireGapChange } from "../../src/client/mod.ts";
import { formatMinute, type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import { ScaledWorld, WORLD_SYMBOL } from "../support/scaled-world.ts";
import { until } from "../support/until.ts";

/** The client's streams of events against a real server, over a connection that is lost and comes back. */
const TIMEOUT_MS = 120_000;
const NOW = Date.parse("2026-01-02T05:00:10Z");
const HOUR: MinuteRange = { lo: minuteOfMs(NOW) - 120, hi: minuteOfMs(NOW) - 60 };
/** Nobody listens there. */
const NOWHERE = "ws://127.0.0.1:1";

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, TIMEOUT_MS);

/** A network that can be gone for a while. */
class Network {
  readonly WebSocket: new (
    url: string,
  ) => WebSocket;
  #away = false;
  #last: WebSocket | undefined;

  constructor() {
    const network = this;
    this.WebSocket = class extends WebSocket {
      constructor(url: string) {
        super(network.#away ? NOWHERE : url);
        network.#last = this;
      }
    };
  }

  goAway(): void {
    this.#away = true;
    this.#last?.close();
  }

  comeBack(): void {
    this.#away = false;
  }
}

async function fetchHour(world: ScaledWorld, force = false): Promise<string> {
  const job = await world.api.backfill(WORLD_SYMBOL, formatMinute(HOUR.lo), formatMinute(HOUR.hi), force);
  expect((await world.api.ended(job)).status).toBe("complete");
  return job;
}

test(
  "jobs() and gaps(), give what happened while the connection was away, each event once and in order",
  async () => {
    const world = await ScaledWorld.open({ startMs: NOW, scale: 1, seed: 20_260_102 });
    closing.push(() => world.close());
    await world.startApp();
    await world.api.knows(WORLD_SYMBOL);
    const network = new Network();
    const tapeline = new Tapeline(world.api.url, { WebSocket: network.WebSocket });
    closing.push(() => tapeline.close());
    const jobs: StreamUpdate<JobTransition>[] = [];
    const gaps: StreamUpdate<WireGapChange>[] = [];
    const followed = [
      (async () => {
        for await (const update of tapeline.jobs()) jobs.push(update);
      })(),
      (async () => {
        for await (const update of tapeline.gaps(WORLD_SYMBOL)) gaps.push(update);
      })(),
    ];
    await until("both to have started", () => jobs.length > 0 && gaps.length > 0);

    const minute = HOUR.lo + 30;
    const changes = () =>
      gaps.flatMap((of) => (of.kind === "event" && of.event.from === formatMinute(minute) ? [of.event] : []));
    const path = (job: string) =>
      jobs.flatMap((of) => (of.kind === "event" && of.event.job_id === job ? [of.event.to] : []));
    const id = await world.firstId({ lo: minute, hi: minute + 1 });
    const fault = world.fault({ kind: "wrong_trade", target: "rest", from_id: id, to_id: id + 1 });
    const wrong = await fetchHour(world);
    await until("the mismatch", () => changes().length > 0);
    expect(changes()[0]).toMatchObject({ change: "mismatch", minutes: 1, field: "volume" });

    network.goAway();
    await until("the connection to be lost", () => tapeline.status.state === "connecting");
    world.exchange.exchange.faults.remove(fault);
    const right = await fetchHour(world, true);
    await until("the correction", async () => {
      const { mismatches } = await tapeline.http.gaps({
        symbol: WORLD_SYMBOL,
        from: formatMinute(HOUR.lo),
        to: formatMinute(HOUR.hi),
      });
      return mismatches.length === 0;
    });
    expect(path(right)).toEqual([]);
    network.comeBack();
    await until("what was missed", () => changes().length > 1 && path(right).includes("complete"));

    expect(changes().map(({ change }) => change)).toEqual(["mismatch", "resolved"]);
    for (const job of [wrong, right]) expect(path(job)).toEqual(["pending", "in_progress", "complete"]);
    expect([...jobs, ...gaps].filter(({ kind }) => kind === "start")).toEqual([
      { kind: "start", startedOver: false },
      { kind: "start", startedOver: false },
    ]);
    tapeline.close();
    await Promise.all(followed);
  },
  TIMEOUT_MS,
);
