import { Centrifuge } from "centrifuge";
import { applyChangedFields } from "../../../src/protocol/mod.ts";
import { cuttingProxy } from "../../support/cutting-proxy.ts";
import { seededRandom } from "../../support/trades.ts";
import { type Served, serve, World } from "../push-fixture.ts";

/** Few, so that a recovery often begins below the ring and goes on from history. */
const RING_EVENTS = 6;
const STEPS = 30;
/** An allowance in the middle of the replies and frames of a connection that has just begun. */
const ALLOWANCE_BYTES = 1_500;
const SETTLE_TIMEOUT_MS = 20_000;
const LEVELS = "levels:binance:BTCUSDT";

export interface ScheduleOutcome {
  /** What went wrong; empty when nothing did. */
  readonly violations: readonly string[];
  /** Connections that were cut after a number of bytes. */
  readonly cutShort: number;
  /** Subscriptions that went on from where the client stood. */
  readonly recoveries: number;
  /** Whether the history was replaced, and the client told so. */
  readonly startedOver: boolean;
}

/**
 * One history, two gateways that tail it (the second hears of an event late, or not at all until the next one), and the official client behind a
 * proxy that cuts its connection at random bytes and moves it from one gateway to the other, while events are committed,
 * levels change and gateways are restarted. In the end every event must have been heard once and in order, and the levels
 * held by the client must be those of the server. In one schedule of ten the history is replaced: then the client must be told, and
 * the same must hold of the new one.
 */
export async function runSchedule(seed: number): Promise<ScheduleOutcome> {
  const random = seededRandom(seed);
  const world = new World();
  const pause = (maxMs: number) => new Promise<void>((resolve) => setTimeout(resolve, random() * maxMs));
  const open = () =>
    serve(world, { limits: { ringEvents: RING_EVENTS, conflateMs: 1 }, slowly: () => pause(2) });
  const gateways: [Served, Served] = [open(), open()];
  let at: 0 | 1 = 0;
  const proxy = cuttingProxy(() => gateways[at].server.port);
  const listener = new Listener(world, proxy.port);

  const tell = (index: 0 | 1) => {
    const event = world.events.at(-1);
    if (event !== undefined) gateways[index].hub.publish("backfill", event);
    gateways[index].hub.touch(LEVELS);
  };
  const commit = () => {
    world.commit({ epoch: world.epoch, n: world.events.length + 1 });
    const revision = world.state.revision + 1;
    world.state = { revision, fields: { levels: { POC: Math.floor(revision / 3), VWAP: revision } } };
    // The gateway whose process committed hears at once, the other with the next look at the tables.
    const [here, there] = random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const);
    tell(here);
    const fate = random();
    if (fate < 0.4) tell(there);
    else if (fate < 0.7) setTimeout(() => tell(there), random() * 8);
  };
  const restart = async (index: 0 | 1) => {
    const old = gateways[index];
    gateways[index] = open();
    await old.stop();
  };
  const replaceAt = random() < 0.1 ? Math.floor(random() * STEPS) : -1;

  try {
    for (let step = 0; step < STEPS; step++) {
      if (step === replaceAt) {
        // As when the data directory is replaced: no server of the old history is left.
        world.replace();
        await Promise.all([restart(0), restart(1)]);
      }
      const dice = random();
      if (dice < 0.55) for (let n = random() * 4; n > 0; n--) commit();
      else if (dice < 0.7) proxy.cut();
      else if (dice < 0.82) {
        proxy.allowance = 1 + Math.floor(random() * ALLOWANCE_BYTES);
        proxy.cut();
      } else if (dice < 0.92) {
        at = at === 0 ? 1 : 0;
        if (random() < 0.5) continue;
        // Quiet around the move: the client may come with more than the other gateway has heard of.
        await pause(30);
        proxy.cut();
        await pause(30);
      } else await restart(random() < 0.5 ? 0 : 1);
      await pause(random() < 0.3 ? 25 : 3);
    }
    proxy.allowance = Number.POSITIVE_INFINITY;
    commit();
    const violations = await listener.settled(() => {
      tell(0);
      tell(1);
    });
    const { recoveries, startedOver } = listener;
    return { violations, cutShort: proxy.cutShort, recoveries, startedOver };
  } finally {
    listener.close();
    proxy.close();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  }
}

/** The official client with its two subscriptions, and what they have heard. */
class Listener {
  readonly #world: World;
  readonly #client: Centrifuge;
  /** The last event heard, by the epoch that it names. */
  readonly #heard = new Map<string, number>();
  readonly #faults: string[] = [];
  #levels: object = {};
  recoveries = 0;
  #starts = 0;

  constructor(world: World, port: number) {
    this.#world = world;
    const delays = { minReconnectDelay: 1, maxReconnectDelay: 8 };
    this.#client = new Centrifuge(`ws://127.0.0.1:${port}/connection/websocket`, delays);
    const resubscribe = { minResubscribeDelay: 1, maxResubscribeDelay: 8 };
    // Also at the start, and whenever the server says that it cannot go on from where the client stands (112).
    const getState = async () => {
      this.#starts += 1;
      return { offset: 0, epoch: world.epoch };
    };
    const events = this.#client.newSubscription("backfill", { ...resubscribe, getState });
    events.on("publication", ({ data, offset }) => this.#hear(data, offset));
    events.on("subscribed", ({ wasRecovering, recovered }) => {
      if (wasRecovering && !recovered) this.#faults.push("a subscription went on with a hole");
      if (recovered) this.recoveries += 1;
    });
    events.on("unsubscribed", ({ code, reason }) => this.#faults.push(`backfill ended: ${code} ${reason}`));
    const levels = this.#client.newSubscription(LEVELS, resubscribe);
    levels.on("subscribed", ({ data }) => {
      this.#levels = applyChangedFields({}, data);
    });
    levels.on("publication", ({ data }) => {
      const before = this.#levels;
      if (
        "revision" in before &&
        data.previous_revision !== null &&
        data.previous_revision !== before.revision
      )
        this.#faults.push(
          `levels ${data.revision} build on ${data.previous_revision}, held ${before.revision}`,
        );
      this.#levels = applyChangedFields(before, data);
    });
    levels.on("unsubscribed", ({ code, reason }) => this.#faults.push(`levels ended: ${code} ${reason}`));
    for (const subscription of [events, levels]) subscription.subscribe();
    this.#client.connect();
  }

  /** Whether it was told that it could not go on, and began anew. */
  get startedOver(): boolean {
    return this.#starts > 1;
  }

  /** Waits until everything has been heard, or what is wrong cannot become right. */
  async settled(nudge: () => void): Promise<readonly string[]> {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const found = this.#violations();
      if (found.length === 0 || this.#faults.length > 0 || performance.now() > deadline) return found;
      nudge();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    this.#client.disconnect();
  }

  #violations(): readonly string[] {
    const found = [...this.#faults];
    const { epoch, events, state } = this.#world;
    const heard = this.#heard.get(epoch) ?? 0;
    if (heard !== events.length) found.push(`heard ${heard} of ${events.length} events of ${epoch}`);
    const held = JSON.stringify("levels" in this.#levels ? this.#levels.levels : undefined);
    const wanted = JSON.stringify("levels" in state.fields ? state.fields.levels : undefined);
    if (held !== wanted) found.push(`levels held ${held}, the server's are ${wanted}`);
    return found;
  }

  #hear(data: unknown, offset: number | undefined): void {
    const { epoch, n } = data as { epoch: string; n: number };
    if (offset !== n) this.#faults.push(`event ${n} came with offset ${offset}`);
    const expected = (this.#heard.get(epoch) ?? 0) + 1;
    if (n !== expected) this.#faults.push(`event ${n} of ${epoch} came where ${expected} was due`);
    this.#heard.set(epoch, n);
  }
}
