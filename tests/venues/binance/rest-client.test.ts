import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { OperationFailure } from "../../../src/core/mod.ts";
import { MalformedAnswer, RequestFailure } from "../../../src/venues/binance/failures.ts";
import { AggTradePage, ServerTime } from "../../../src/venues/binance/messages.ts";
import { RequestBudget } from "../../../src/venues/binance/request-budget.ts";
import { RestClient } from "../../../src/venues/binance/rest-client.ts";
import { newestAggTrade, timeEndpoint } from "../../../src/venues/binance/urls.ts";
import { FakeBinance } from "../support/fake-binance.ts";
import { machineClock as clock } from "../support/manual-clock.ts";

const signal = new AbortController().signal;
let fake: FakeBinance;

beforeEach(() => {
  fake = new FakeBinance();
});
afterEach(() => fake.stop());

function clientOf(options: { timeoutMs?: number; attempts?: number; baseUrl?: string } = {}) {
  const budget = new RequestBudget({ clock });
  const client = new RestClient({
    baseUrl: fake.restUrl,
    budget,
    timers: clock,
    random: () => 0,
    fetch,
    attempts: 1,
    ...options,
  });
  return { budget, client };
}

async function failureOf(promise: Promise<unknown>): Promise<OperationFailure> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(thrown instanceof OperationFailure)) throw new Error(`expected an OperationFailure, got ${thrown}`);
  return thrown;
}

describe("RestClient", () => {
  test("get() answers what the schema reads, and takes the used weight from the header", async () => {
    const { budget, client } = clientOf();
    expect(await client.get(timeEndpoint(), ServerTime, { signal })).toEqual({
      serverTime: 1_700_000_000_000,
    });
    fake.intercept = () => Response.json({ serverTime: 5 }, { headers: { "X-MBX-USED-WEIGHT-1M": "1234" } });
    await client.get(timeEndpoint(), ServerTime, { signal });
    expect(budget.used).toBe(1_234);
    expect(client.requests).toBe(2);
  });

  test("get() tries again after a 5xx and a malformed answer", async () => {
    const answers = [
      new Response("<html>502</html>", { status: 502 }),
      new Response("[{", { status: 200 }),
      Response.json({ serverTime: 7 }),
    ];
    fake.intercept = () => answers.shift();
    const { client } = clientOf({ attempts: 3 });
    expect(await client.get(timeEndpoint(), ServerTime, { signal })).toEqual({ serverTime: 7 });
    expect(client.requests).toBe(3);
  });

  test("get() fails transient with its time-out when no answer comes, and the next request goes", async () => {
    const hung = Promise.withResolvers<Response>();
    fake.intercept = () => hung.promise;
    const { client } = clientOf({ timeoutMs: 30 });
    const failure = await failureOf(client.get(timeEndpoint(), ServerTime, { signal }));
    expect(failure.kind).toBe("transient");
    expect(failure.message).toBe("GET /api/v3/time: no answer within 30 ms");
    hung.resolve(new Response());
  });

  test("get() fails transient when nobody listens", async () => {
    const { client } = clientOf({ baseUrl: "http://127.0.0.1:1" });
    const failure = await failureOf(client.get(timeEndpoint(), ServerTime, { signal }));
    expect(failure).toBeInstanceOf(RequestFailure);
    expect(failure.kind).toBe("transient");
  });

  test("get() fails aborted when its signal aborts, under way or waiting to try again", async () => {
    const hung = Promise.withResolvers<Response>();
    fake.intercept = () => hung.promise;
    const { client } = clientOf();
    const abort = new AbortController();
    const failing = failureOf(client.get(timeEndpoint(), ServerTime, { signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect((await failing).kind).toBe("aborted");
    hung.resolve(new Response());
    fake.intercept = () => new Response("", { status: 503, headers: { "retry-after": "9" } });
    const again = new AbortController();
    const waiting = failureOf(
      clientOf({ attempts: 3 }).client.get(timeEndpoint(), ServerTime, { signal: again.signal }),
    );
    setTimeout(() => again.abort(), 20);
    expect((await waiting).kind).toBe("aborted");
  });

  test("get() names path, expectation and finding of a malformed answer", async () => {
    const cases: [body: string, expected: string, found: string][] = [
      ["null", "Array", "null"],
      ["", "JSON", "an empty body"],
      ["<html>\n<body>hi</body></html>", "JSON", "<html> <body>hi</body></html>"],
      ['[{"a":"1"}]', "number at 0.a", '[{"a":"1"}]'],
      [`[${"7,".repeat(200)}7]`, "Object at 0", `[${"7,".repeat(200)}`.slice(0, 200)],
    ];
    for (const [body, expected, found] of cases) {
      fake.intercept = () => new Response(body);
      const failure = await failureOf(
        clientOf().client.get(newestAggTrade("BTCUSDT"), AggTradePage, { signal }),
      );
      if (!(failure instanceof MalformedAnswer)) throw failure;
      expect([failure.kind, failure.path]).toEqual(["transient", "/api/v3/aggTrades?symbol=BTCUSDT&limit=1"]);
      expect([failure.expected, failure.found]).toEqual([expected, found]);
    }
  });

  test("get() after a 418 sends nothing until the ban ends", async () => {
    fake.intercept = () =>
      Response.json(
        { code: -1003, msg: "Way too many requests" },
        { status: 418, headers: { "retry-after": "300" } },
      );
    const { client } = clientOf({ attempts: 3 });
    const banned = await failureOf(client.get(timeEndpoint(), ServerTime, { signal }));
    expect(banned.kind).toBe("banned");
    expect(banned.retryAfterMs).toBe(300_000);
    const next = await failureOf(client.get(timeEndpoint(), ServerTime, { signal }));
    expect(next.kind).toBe("banned");
    expect(client.requests).toBe(1);
    expect(fake.requests.length).toBe(1);
  });

  test("get() after a 429 sends nothing before Retry-After has passed", async () => {
    const answers = [new Response("{}", { status: 429, headers: { "retry-after": "60" } })];
    fake.intercept = () => answers.shift();
    const { client } = clientOf();
    const throttled = await failureOf(client.get(timeEndpoint(), ServerTime, { signal }));
    expect([throttled.kind, throttled.retryAfterMs]).toEqual(["throttled", 60_000]);
    const abort = new AbortController();
    const waiting = failureOf(client.get(timeEndpoint(), ServerTime, { signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect((await waiting).kind).toBe("aborted");
    expect(client.requests).toBe(1);
  });

  test("get() refuses a body without end", async () => {
    const part = new Uint8Array(2 ** 20).fill(32);
    fake.intercept = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }));
    const failure = await failureOf(clientOf().client.get(timeEndpoint(), ServerTime, { signal }));
    expect(failure).toBeInstanceOf(MalformedAnswer);
  });
});
