import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { formatMinute, type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import type { FaultRuleInput } from "../../src/simulator/mod.ts";
import { ScaledWorld, WORLD_SYMBOL, type WorldOptions } from "../support/scaled-world.ts";
import { until } from "../support/until.ts";

/** Every fault of the simulated exchange, while a backfill and the live stream run. */
const SCALE = 60;
const START_MS = Date.parse("2026-01-02T10:00:10Z");
const MINUTE_MS = 60_000;
/** Minutes of one backfill; two chunks. */
const WINDOW_MINUTES = 10;
/** Machine time within which everything must be whole again. */
const RECOVERY_MS = 120_000;
const TIMEOUT_MS = 300_000;
/** Retries wait by chance; here they hardly wait, because the database counts in the machine's time. */
const HARDLY = 0.01;

/** Asks for /health all the time, and remembers what was no 200. */
class HealthProbe {
  readonly bad: string[] = [];
  asked = 0;
  #running = true;
  readonly #ended: Promise<void>;

  constructor(url: string) {
    this.#ended = this.#run(url);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #run(url: string): Promise<void> {
    while (this.#running) {
      try {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(60_000) });
        await answer.body?.cancel();
        if (answer.status !== 200) this.bad.push(`${answer.status}`);
      } catch (thrown) {
        this.bad.push(String(thrown));
      }
      this.asked++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

interface Stage {
  readonly world: ScaledWorld;
  readonly probe: HealthProbe;
}

const worlds: ScaledWorld[] = [];
afterAll(async () => {
  for (const world of worlds) await world.close();
}, TIMEOUT_MS);

async function opened(more: Partial<WorldOptions> = {}): Promise<Stage> {
  const world = await ScaledWorld.open({
    startMs: START_MS,
    scale: SCALE,
    seed: 7,
    random: () => HARDLY,
    ...more,
    env: { BACKFILL_CHUNK_MINUTES: "5", ...more.env },
  });
  worlds.push(world);
  await world.startApp();
  return { world, probe: new HealthProbe(world.running.app.url) };
}

async function closed({ world, probe }: Stage): Promise<void> {
  await probe.stop();
  expect(probe.bad).toEqual([]);
  expect(probe.asked).toBeGreaterThan(0);
  expect(world.running.fatal).toEqual([]);
  await world.close();
}

/** Backfills a window that nobody has asked for; answers its job. */
async function backfilled(world: ScaledWorld, { lo, hi }: MinuteRange) {
  const job = await world.api.backfill(WORLD_SYMBOL, formatMinute(lo), formatMinute(hi));
  return world.api.ended(job, RECOVERY_MS);
}

async function expectTruth(world: ScaledWorld, range: MinuteRange): Promise<void> {
  const truth = await world.truth(range);
  expect([...world.stored(range)]).toEqual([...truth]);
  expect(truth.size).toBeGreaterThan(0);
}

/** Every minute since the start that has ended is covered and right. */
async function expectLiveWhole(world: ScaledWorld): Promise<void> {
  const range = { lo: minuteOfMs(START_MS) + 1, hi: minuteOfMs(world.clock.nowMs()) };
  await world.covered(range, RECOVERY_MS);
  await expectTruth(world, range);
}

const REST: Record<string, readonly FaultRuleInput[]> = {
  "latency below the limit": [{ kind: "latency", ms: 2_000, jitter_ms: 2_000 }],
  "latency above the limit": [{ kind: "latency", ms: 15_000, count: 3 }],
  throttle: [{ kind: "throttle", retry_after_s: 2, count: 3 }],
  ban: [{ kind: "ban", retry_after_s: 1, count: 1 }],
  "http_error 500": [{ kind: "http_error", status: 500, count: 5 }],
  "http_error 502": [{ kind: "http_error", status: 502, count: 5 }],
  "http_error 503": [{ kind: "http_error", status: 503, count: 5 }],
  reset: [{ kind: "reset", count: 5 }],
  hang: [{ kind: "hang", count: 3 }],
  "malformed, truncated": [{ kind: "malformed", body: "truncated", count: 4 }],
  "malformed, null": [{ kind: "malformed", body: "null", count: 4 }],
  "malformed, wrong types": [{ kind: "malformed", body: "wrong_types", count: 4 }],
  "malformed, html": [{ kind: "malformed", body: "html", count: 4 }],
  "malformed, empty": [{ kind: "malformed", body: "empty", count: 4 }],
  reorder: [{ kind: "reorder", target: "rest" }],
  duplicate: [{ kind: "duplicate", target: "rest" }],
  missing: [{ kind: "missing", target: "rest", every: 2 }],
  "all at once": [
    { kind: "latency", ms: 500, probability: 0.3 },
    { kind: "http_error", status: 502, probability: 0.1 },
    { kind: "reset", probability: 0.1 },
    { kind: "malformed", probability: 0.1 },
    { kind: "duplicate", target: "rest", probability: 0.5 },
    { kind: "reorder", target: "rest", probability: 0.5 },
    { kind: "missing", target: "rest", probability: 0.2 },
  ],
};

const WS: Record<string, { readonly rules: readonly FaultRuleInput[]; readonly reconnect: boolean }> = {
  "malformed, truncated": { rules: [{ kind: "malformed", target: "ws", every: 9 }], reconnect: false },
  "malformed, null": {
    rules: [{ kind: "malformed", target: "ws", body: "null", every: 9 }],
    reconnect: false,
  },
  "malformed, wrong types": {
    rules: [{ kind: "malformed", target: "ws", body: "wrong_types", every: 9 }],
    reconnect: false,
  },
  reorder: { rules: [{ kind: "reorder", target: "ws", every: 3 }], reconnect: false },
  duplicate: { rules: [{ kind: "duplicate", target: "ws", every: 2 }], reconnect: false },
  missing: { rules: [{ kind: "missing", target: "ws", every: 50 }], reconnect: false },
  drop: { rules: [{ kind: "drop", every: 30, count: 3 }], reconnect: false },
  refuse: { rules: [{ kind: "refuse", count: 3 }], reconnect: true },
  half_open: { rules: [{ kind: "half_open", count: 1 }], reconnect: true },
  silent: { rules: [{ kind: "silent", count: 1 }], reconnect: true },
};

describe("faults of the exchange", () => {
  let stage: Stage;
  let windows = 0;
  const nextWindow = (): MinuteRange => {
    const hi = minuteOfMs(START_MS) - 60 - windows++ * WINDOW_MINUTES;
    return { lo: hi - WINDOW_MINUTES, hi };
  };
  beforeAll(async () => {
    stage = await opened();
    await stage.world.api.knows(WORLD_SYMBOL);
  }, TIMEOUT_MS);
  afterAll(() => closed(stage), TIMEOUT_MS);
  const calm = () => {
    stage.world.exchange.exchange.faults.remove();
  };

  for (const [name, rules] of Object.entries(REST))
    test(
      `REST ${name}, a backfill ends with the right numbers`,
      async () => {
        const { world } = stage;
        for (const rule of rules) world.fault(rule);
        const range = nextWindow();
        const job = await backfilled(world, range);
        expect(world.exchange.exchange.faults.list().some(({ fired }) => fired > 0)).toBe(true);
        calm();
        expect([job.status, job.error]).toEqual(["complete", null]);
        await expectTruth(world, range);
      },
      TIMEOUT_MS,
    );

  test(
    "REST http_error 451, a backfill ends with a clear error, and asked for again with the right numbers",
    async () => {
      const { world } = stage;
      world.fault({ kind: "http_error", status: 451 });
      const range = nextWindow();
      const job = await backfilled(world, range);
      calm();
      expect(job.status).toBe("error");
      expect(job.error).toContain("expected 200, found 451");
      expect((await backfilled(world, range)).status).toBe("complete");
      await expectTruth(world, range);
    },
    TIMEOUT_MS,
  );

  test(
    "id_gap, a backfill ends with a clear error that names the ids",
    async () => {
      const { world } = stage;
      const range = nextWindow();
      const first = (await world.firstId(range)) + 3;
      world.fault({ kind: "id_gap", target: "rest", from_id: first, to_id: first + 2 });
      const job = await backfilled(world, range);
      calm();
      expect([job.status, job.chunks_failed, job.chunks_done]).toEqual(["complete", 1, 1]);
      expect(job.details[0]?.error ?? job.error).toContain(`left out trade ids ${first} to ${first + 1}`);
      expect((await backfilled(world, range)).status).toBe("complete");
      await expectTruth(world, range);
    },
    TIMEOUT_MS,
  );

  for (const [name, { rules, reconnect }] of Object.entries(WS))
    test(
      `WebSocket ${name}, every minute has the right numbers`,
      async () => {
        const { world } = stage;
        for (const rule of rules) world.fault(rule);
        if (reconnect) expect(world.act("drop")).toBeGreaterThan(0);
        await world.clock.reached(world.clock.nowMs() + 1.7 * MINUTE_MS);
        expect(world.exchange.exchange.faults.list().every(({ fired }) => fired > 0)).toBe(true);
        calm();
        await until("the stream to be up", () => world.engine.live.series.length > 0);
        await expectLiveWhole(world);
      },
      TIMEOUT_MS,
    );

  test(
    "WebSocket id_gap, what the stream leaves out is backfilled",
    async () => {
      const { world } = stage;
      const minute = minuteOfMs(world.clock.nowMs());
      const first = (await world.firstId({ lo: minute - 1, hi: minute })) + 60;
      world.fault({ kind: "id_gap", target: "ws", from_id: first, to_id: first + 40 });
      await world.clock.reached((minute + 3) * MINUTE_MS);
      calm();
      await expectLiveWhole(world);
    },
    TIMEOUT_MS,
  );
});

describe("an exchange that shuts us out", () => {
  const SHUT: Record<string, readonly [rule: FaultRuleInput, told: RegExp]> = {
    "http_error 403": [
      { kind: "http_error", status: 403, path: "/api/v3/aggTrades" },
      // Whoever asks first is refused; whoever asks next is told that nothing is sent.
      /expected 200, found 403|throttled this address .* nothing is sent/,
    ],
    "a long ban": [{ kind: "ban", retry_after_s: 7_200, path: "/api/v3/aggTrades", count: 1 }, /banned/],
  };
  for (const [name, [rule, message]] of Object.entries(SHUT))
    test(
      `${name}, sends nothing more, tells why and serves on`,
      async () => {
        const stage = await opened();
        const { world } = stage;
        await world.api.knows(WORLD_SYMBOL);
        const hi = minuteOfMs(START_MS) - 60;
        const kept = { lo: hi - 20, hi: hi - 10 };
        expect((await backfilled(world, kept)).status).toBe("complete");
        world.fault(rule);
        await world.api.backfill(WORLD_SYMBOL, formatMinute(hi - 10), formatMinute(hi));
        const told = await until("the reason to be told", () =>
          world.running.log.find(
            ({ message: text }) => text.startsWith("chunk failed") && message.test(text),
          ),
        );
        expect(["throttled", "banned"]).toContain(String(told.fields["kind"]));
        expect(Number(told.fields["retryInMs"])).toBeGreaterThan(200_000);
        await world.clock.reached(world.clock.nowMs() + MINUTE_MS);
        const before = world.exchange.exchange.requests.summary().paths;
        await world.clock.reached(world.clock.nowMs() + MINUTE_MS);
        expect(world.exchange.exchange.requests.summary().paths).toEqual(before);
        await expectTruth(world, kept);
        await closed(stage);
      },
      TIMEOUT_MS,
    );
});

describe("clocks that differ", () => {
  for (const ms of [-20_000, 20_000])
    test(
      `the machine's clock is off by ${ms} ms, every minute has the right numbers`,
      async () => {
        const stage = await opened({ machineSkewMs: ms });
        await stage.world.api.knows(WORLD_SYMBOL);
        await stage.world.clock.reached(START_MS + 3.3 * MINUTE_MS);
        await expectLiveWhole(stage.world);
        await closed(stage);
      },
      TIMEOUT_MS,
    );

  for (const ms of [-45_000, 8_000])
    test(
      `clock_skew of ${ms} ms in what the exchange says of its time, every minute has the right numbers`,
      async () => {
        const stage = await opened({ faults: [{ kind: "clock_skew", ms }] });
        await stage.world.api.knows(WORLD_SYMBOL);
        await stage.world.clock.reached(START_MS + 3.4 * MINUTE_MS);
        await expectLiveWhole(stage.world);
        await closed(stage);
      },
      TIMEOUT_MS,
    );
});
