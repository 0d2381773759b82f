import { afterEach, expect, test } from "bun:test";
import {
  type SimulatorServer,
  type SimulatorServerOptions,
  startSimulatorServer,
} from "../../src/runtime/simulator-server.ts";
import { createGeneratedMarket, PRESETS, parseRecording } from "../../src/simulator/mod.ts";

const TIMEOUT_MS = 10_000;
const servers: SimulatorServer[] = [];
const sockets: WebSocket[] = [];
const market = () => createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.liquid });

function start(options: Partial<SimulatorServerOptions> = {}): SimulatorServer {
  const server = startSimulatorServer({ markets: [market()], ...options });
  servers.push(server);
  return server;
}

function connect(
  server: SimulatorServer,
  path: string,
): { socket: WebSocket; frames: string[]; ended: Promise<number> } {
  const socket = new WebSocket(`${server.wsUrl}${path}`);
  sockets.push(socket);
  const frames: string[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.onmessage = ({ data }) => frames.push(String(data));
  socket.onclose = ({ code }) => resolve(code);
  return { socket, frames, ended: promise };
}

async function until(holds: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  while (!holds()) {
    signal.throwIfAborted();
    await Bun.sleep(5);
  }
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const server of servers.splice(0)) await server.stop();
});

test("startSimulatorServer() serves REST and WebSocket on one loopback port", async () => {
  const server = start();
  expect(server.restUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const rows = (await (
    await fetch(`${server.restUrl}/api/v3/aggTrades?symbol=BTCUSDT&limit=3`)
  ).json()) as unknown[];
  expect(rows).toHaveLength(3);
  const { frames } = connect(server, "/stream?streams=btcusdt@aggTrade");
  await until(() => frames.length >= 3);
  const ids = frames.map((frame) => JSON.parse(frame).data.a as number);
  expect(ids).toEqual(ids.map((_, i) => ids[0]! + i));
});

test("a reset reaches the client as a broken connection", async () => {
  const server = start({ faults: [{ kind: "reset", count: 1 }] });
  const outcome = await fetch(`${server.restUrl}/api/v3/ping`).then(
    (answer) => answer.text(),
    (error: unknown) => `broken: ${error instanceof Error}`,
  );
  expect(outcome).toBe("broken: true");
  expect((await fetch(`${server.restUrl}/api/v3/ping`)).status).toBe(200);
});

test("a dropped socket ends, a refused handshake never opens", async () => {
  const server = start({ faults: [{ kind: "refuse", after: 1, count: 1 }] });
  const first = connect(server, "/ws/btcusdt@aggTrade");
  await until(() => server.exchange.streams.sockets().length === 1);
  server.exchange.streams.act("drop");
  expect(await first.ended).toBe(1006);
  let opened = false;
  const second = connect(server, "/ws/btcusdt@aggTrade");
  second.socket.onopen = () => {
    opened = true;
  };
  await second.ended;
  expect(opened).toBe(false);
});

test("a recorded session crosses a real socket whole, in order", async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) =>
      `1723161254087896568 {"stream":"abcusdt@trade","data":{"e":"trade","t":${i},"p":"1.5","q":"2"}}`,
  );
  const recording = parseRecording("made up", lines.join("\n"));
  const server = start({ markets: [], recordings: [recording] });
  const { frames } = connect(server, "/stream?streams=abcusdt@trade");
  await until(() => frames.length >= recording.frames.length);
  expect(frames.every((frame, i) => frame === recording.frames[i]!.text)).toBe(true);
});

test("stop() ends sockets and answers that hang", async () => {
  const server = start({ faults: [{ kind: "hang" }] });
  const hanging = fetch(`${server.restUrl}/api/v3/ping`).then(
    () => "ended",
    () => "ended",
  );
  const { ended, socket } = connect(server, "/ws");
  await until(
    () =>
      socket.readyState === WebSocket.OPEN && server.exchange.requests.summary().paths["/api/v3/ping"] === 1,
  );
  await server.stop();
  expect(await hanging).toBe("ended");
  expect(await ended).toBeGreaterThan(1_000);
});

test("scripts/simulate.ts prints its base URLs, serves, and ends cleanly on SIGTERM", async () => {
  const child = Bun.spawn(
    [process.execPath, "scripts/simulate.ts", "--symbol", "ABCUSDT:thin", "--clock-offset=-86400000"],
    {
      stdout: "pipe",
      stderr: "pipe",
      timeout: TIMEOUT_MS,
    },
  );
  const reader = child.stdout.getReader();
  let text = "";
  while (text.split("\n").length < 3) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  const [rest = "", ws = ""] = text.split("\n");
  expect(ws).toMatch(/^BINANCE_WS_URL=ws:\/\/127\.0\.0\.1:\d+$/);
  const answer = await fetch(`${rest.replace("BINANCE_REST_URL=", "")}/api/v3/time`);
  const { serverTime } = (await answer.json()) as { serverTime: number };
  expect(Date.now() - serverTime).toBeWithin(86_400_000 - 60_000, 86_400_000 + 60_000);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});

test("scripts/simulate.ts refuses wrong arguments with exit code 2", async () => {
  const child = Bun.spawn([process.execPath, "scripts/simulate.ts", "--symbol", "ABC:huge"], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIMEOUT_MS,
  });
  expect(await child.exited).toBe(2);
  expect(await new Response(child.stderr).text()).toContain("--symbol: expected SYMBOL");
});
