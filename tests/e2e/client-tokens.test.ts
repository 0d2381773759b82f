import { afterAll, beforeAll, expect, test } from "bun:test";
import { signToken } from "../../src/auth/mod.ts";
import { Tapeline, TapelineError } from "../../src/client/mod.ts";
import { SECRET } from "../auth/tokens.ts";
import { environment, type ServerProcess, Workbench } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** The client with tokens, against a real server that asks for them. */
const SYMBOL = "DEMOUSDT";
const TIMEOUT_MS = 300_000;
const SHORT_SECONDS = 2;

const bench = new Workbench();
const clients: Tapeline[] = [];
let server: ServerProcess;

beforeAll(async () => {
  const exchange = await bench.exchange(["--symbol", `${SYMBOL}:demo`]);
  server = await bench.server(
    environment(await bench.folder(), exchange, {
      SYMBOLS: SYMBOL,
      CONTEXT_BACKFILL_ENABLED: "false",
      TOKEN_HMAC_SECRET: SECRET,
    }),
  );
}, TIMEOUT_MS);

afterAll(async () => {
  for (const made of clients) made.close();
  await bench.close();
}, TIMEOUT_MS);

function client(token?: string | (() => Promise<string>)): Tapeline {
  const made = new Tapeline(server.url, { token });
  clients.push(made);
  return made;
}

async function failure(call: Promise<unknown>): Promise<TapelineError> {
  const thrown = await call.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  if (thrown instanceof TapelineError) return thrown;
  throw thrown;
}

test(
  "a getter keeps a connection whose tokens are short, and serves HTTP too",
  async () => {
    let made = 0;
    const tapeline = client(() => {
      made += 1;
      return signToken({ user: "bot", lifetimeSeconds: SHORT_SECONDS }, SECRET, Date.now());
    });
    const statuses: string[] = [];
    tapeline.onStatus(({ state }) => statuses.push(state));
    const levels = tapeline.levels(SYMBOL);
    const stop = levels.on(() => undefined);
    await levels.first();
    await until("the token to be renewed twice", () => made >= 3);
    expect((await tapeline.http.levels({ symbol: SYMBOL })).symbol).toBe(`binance:${SYMBOL}`);
    expect(tapeline.status.state).toBe("connected");
    expect(statuses).toEqual(["connecting", "connected"]);
    stop();
  },
  TIMEOUT_MS,
);

test("without a token, both ways are refused as unauthorized", async () => {
  const tapeline = client();
  expect(await failure(tapeline.http.levels({ symbol: SYMBOL }))).toMatchObject({
    kind: "unauthorized",
    status: 401,
    problem: { type: "/problems/unauthorized" },
  });
  expect(await failure(tapeline.levels(SYMBOL).first())).toMatchObject({ kind: "unauthorized" });
});

test("what a token does not allow is forbidden, and says what it takes", async () => {
  const token = await signToken(
    { user: "reader", lifetimeSeconds: 600, channels: [`levels:${SYMBOL}`] },
    SECRET,
    Date.now(),
  );
  const tapeline = client(token);
  expect((await tapeline.levels(SYMBOL).first()).symbol).toBe(`binance:${SYMBOL}`);
  expect(await failure(tapeline.levels(SYMBOL, { session: "2026-01-02" }).first())).toMatchObject({
    kind: "forbidden",
    code: 103,
  });
  const asked = { symbols: [SYMBOL], start_date: "2026-01-02", end_date: "2026-01-02" };
  expect(await failure(tapeline.http.startBackfill(asked))).toMatchObject({
    kind: "forbidden",
    status: 403,
    problem: { type: "/problems/insufficient-scope" },
  });
});
