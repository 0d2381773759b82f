import { afterEach, describe, expect, test } from "bun:test";
import { type Served, serve, until, World } from "./push-fixture.ts";
import { stoppedClient } from "./stopped-client.ts";

const running: Served[] = [];
const sockets: { close(): void }[] = [];

function started(...args: Parameters<typeof serve>): Served {
  const served = serve(...args);
  running.push(served);
  return served;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const served of running.splice(0)) await served.stop();
});

/** A plain WebSocket as a person would open it; `lines` are the frames that came. */
function plain(url: string, path = "/connection/websocket") {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`);
  const lines: string[] = [];
  const state: { closed?: { code: number; reason: string }; open: boolean } = { open: false };
  socket.onopen = () => {
    state.open = true;
  };
  socket.onmessage = ({ data }) => lines.push(...String(data).split("\n"));
  socket.onclose = ({ code, reason }) => {
    state.closed = { code, reason };
  };
  sockets.push(socket);
  return { socket, lines, state };
}

describe("listen()", () => {
  test.each(["/connection/websocket", "/ws"])("a plain WebSocket on %s needs three lines", async (path) => {
    const world = new World();
    const { server, hub } = started(world);
    const { socket, lines, state } = plain(server.url, path);
    await until(() => state.open);
    socket.send('{"id":1,"connect":{}}');
    socket.send('{"id":2,"subscribe":{"channel":"levels:binance:BTCUSDT"}}');
    await until(() => lines.length === 2);
    expect(JSON.parse(lines[0]!)).toMatchObject({ id: 1, connect: { ping: 25, pong: true } });
    expect(JSON.parse(lines[1]!)).toEqual({
      id: 2,
      subscribe: { data: { levels: { POC: 1, VWAP: 1.5 }, revision: 1 } },
    });
    world.state = { revision: 2, fields: { levels: { POC: 2, VWAP: 1.5 } } };
    hub.touch("levels:binance:BTCUSDT");
    await until(() => lines.length === 3);
    expect(lines[2]).toBe(
      '{"push":{"channel":"levels:binance:BTCUSDT","pub":{"data":{"levels":{"POC":2},"revision":2,"previous_revision":1}}}}',
    );
  });

  test("a ping is an empty object, and a client that stays silent is closed with 3012", async () => {
    const { server } = started(new World(), { limits: { pingMs: 20, pongMs: 60 } });
    const { socket, lines, state } = plain(server.url);
    await until(() => state.open);
    socket.send('{"id":1,"connect":{}}');
    await until(() => state.closed !== undefined);
    expect(lines.slice(1, 2)).toEqual(["{}"]);
    expect(state.closed).toEqual({ code: 3012, reason: "no pong" });
  });

  test("binary messages, nonsense and oversized frames close the connection", async () => {
    const { server, hub } = started(new World());
    const cases: [string | Uint8Array<ArrayBuffer>, number][] = [
      [new Uint8Array([1, 2]), 3506],
      ["nonsense", 3501],
      ["x".repeat(70_000), 3501],
      ["x".repeat(300_000), 1009],
    ];
    for (const [message, code] of cases) {
      const { socket, state } = plain(server.url);
      await until(() => state.open);
      socket.send(message);
      await until(() => state.closed !== undefined);
      // Bun's own client reports a frame that was refused mid-way as 1006.
      expect([code, code === 1009 ? 1006 : code]).toContain(state.closed!.code);
    }
    await until(() => hub.stats().connections === 0);
  });

  test("other requests reach the app; a socket address without an upgrade answers 426", async () => {
    const { server } = started(new World());
    expect(await (await fetch(`${server.url}/health`)).text()).toBe("answer to /health");
    const response = await fetch(`${server.url}/ws`);
    expect(response.status).toBe(426);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ status: 426, title: "Upgrade required" });
  });

  test("pages of other origins are refused unless listed", async () => {
    const { server } = started(new World(), { allowedOrigins: ["https://desk.example"] });
    const status = async (origin: string) =>
      (await fetch(`${server.url}/ws`, { headers: { origin } })).status;
    expect(await status("https://evil.example")).toBe(403);
    // Past the check, a request without an upgrade is told so.
    expect(await status("https://desk.example")).toBe(426);
    expect(await status(server.url)).toBe(426);
  });

  test("a full hub answers 503 to a new socket", async () => {
    const { server } = started(new World(), { limits: { connectionsMax: 0 } });
    const { state } = plain(server.url);
    await until(() => state.closed !== undefined);
    expect(state.open).toBe(false);
  });

  test("a reader that stops taking is closed with 3008 in bounded memory, and another gets everything", async () => {
    const world = new World();
    const { server, hub } = started(world);
    const quick = plain(server.url);
    await until(() => quick.state.open);
    const stopped = await stoppedClient(server.port);
    sockets.push(stopped);
    quick.socket.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"backfill"}}');
    stopped.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"backfill"}}');
    await until(() => hub.stats().subscriptions === 2);
    const blob = "x".repeat(16_000);
    const total = 1_500; // 24 MB: far more than the kernel and the outbox take
    let most = 0;
    let closedAt = 0;
    for (let n = 1; n <= total; n++) {
      hub.publish("backfill", world.commit(blob));
      most = Math.max(most, hub.stats().outboxBytes);
      if (closedAt === 0 && hub.stats().connections === 1) closedAt = n;
      if (n % 20 === 0) await until(() => quick.lines.length >= n - 20);
    }
    await until(() => quick.lines.length === total + 2);
    const offsets = quick.lines.slice(2).map((line) => Number(/"offset":(\d+)/.exec(line)?.[1]));
    expect(offsets).toEqual(Array.from({ length: total }, (_, at) => at + 1));
    expect(closedAt).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2 * 1_048_576); // two connections' outboxes
    expect(await stopped.closeCode()).toBe(3008);
  }, 20_000);

  test("stop() ends within its time though a request hangs and a socket stays open", async () => {
    const { server } = started(new World());
    const { state } = plain(server.url);
    await until(() => state.open);
    const hanging = fetch(`${server.url}/hang`).then(
      () => "answered",
      () => "cut off",
    );
    await until(() => server.pendingRequests > 0);
    await server.stop(50);
    expect(await hanging).toBe("cut off");
    await until(() => state.closed !== undefined);
  });
});
