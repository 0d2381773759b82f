import { expect, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import { seededRandom } from "../support/trades.ts";
import { serve, until, World } from "./push-fixture.ts";

const SOCKETS = 600;
const AT_ONCE = 20;
const TIMEOUT_MS = 120_000;
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_102);
/** What a socket may do before we end it ourselves, ms. */
const LINGER_MS = 30;

type Random = () => number;

/** Bytes below the protocol: frames that no WebSocket library sends, and requests that no HTTP client does. */
function hostileBytes(random: Random): Uint8Array[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const text = (content: string) => new TextEncoder().encode(content);
  const noise = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  if (random() < 0.25)
    return [
      pick([
        () => noise(1 + Math.floor(random() * 500)),
        () => text("GET / HTTP/1.1\r\nHost: a\r\n"),
        () => text(`GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`),
        () => text(`GET / HTTP/1.1\r\n${"x: y\r\n".repeat(5_000)}\r\n`),
        () => text("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        () => text("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        () => text("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
      ])(),
    ];
  const frames = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
    pick([
      () => frame(0x81, text('{"id":1,"connect":{}}'), true),
      () => frame(0x81, text('{"id":1,"connect":{}}'), false),
      () => frame(0x80 | pick([3, 4, 5, 6, 7, 11, 15]), noise(5), true),
      () => frame(0xf1, noise(20), true),
      () => frame(0x01, text('{"id":1,'), true),
      () => frame(0x80, text('"connect":{}}'), true),
      () => frame(0x89, noise(200), true),
      () => frame(0x89, noise(10), true),
      () =>
        frame(0x88, pick([noise(0), noise(1), Uint8Array.of(0, 0), Uint8Array.of(0x03, 0xe8, 0xff)]), true),
      () => frame(0x81, Uint8Array.of(0xc3, 0x28, 0xff), true),
      () => frame(0x82, noise(50), true),
      () => frame(0x81, text("x".repeat(70_000)), true),
      // Announces 2^40 bytes.
      () => Uint8Array.of(0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4),
      () => noise(1 + Math.floor(random() * 100)),
    ])(),
  );
  return [HANDSHAKE, ...frames];
}

const HANDSHAKE = new TextEncoder().encode(
  [
    "GET /connection/websocket HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "\r\n",
  ].join("\r\n"),
);

/** A WebSocket frame (RFC 6455, 5.2) with `head` as its first byte. */
function frame(head: number, payload: Uint8Array, masked: boolean): Uint8Array {
  const length =
    payload.length < 126
      ? [payload.length]
      : payload.length < 65_536
        ? [126, payload.length >> 8, payload.length & 255]
        : [
            127,
            0,
            0,
            0,
            0,
            (payload.length >> 24) & 255,
            (payload.length >> 16) & 255,
            (payload.length >> 8) & 255,
            payload.length & 255,
          ];
  length[0] = length[0]! | (masked ? 0x80 : 0);
  // A mask of zeros leaves the payload as it is.
  return Uint8Array.from([head, ...length, ...(masked ? [0, 0, 0, 0] : []), ...payload]);
}

async function attack(port: number, parts: readonly Uint8Array[]): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: () => undefined, close: () => ended.resolve(), error: () => ended.resolve() },
  });
  for (const part of parts) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  setTimeout(() => socket.terminate(), LINGER_MS);
  await ended.promise;
}

test(
  `listen(), ${SOCKETS} sockets that break HTTP and WebSocket below the protocol: a healthy client hears everything, nothing stays`,
  async () => {
    const random = seededRandom(SEED);
    const world = new World();
    const served = serve(world);
    const client = new Centrifuge(`${served.server.url.replace("http", "ws")}/connection/websocket`);
    try {
      const heard: unknown[] = [];
      let connects = 0;
      client.on("connected", () => connects++);
      const subscription = client.newSubscription("backfill");
      subscription.on("publication", ({ offset }) => heard.push(offset));
      subscription.subscribe();
      client.connect();
      await subscription.ready();
      for (let n = 0; n < SOCKETS; n += AT_ONCE) {
        served.hub.publish("backfill", world.commit({ n }));
        await Promise.all(
          Array.from({ length: AT_ONCE }, () => attack(served.server.port, hostileBytes(random))),
        );
      }
      await until(() => heard.length === world.events.length);
      expect(heard).toEqual(world.events.map(({ offset }) => offset));
      expect(connects).toBe(1);
      await until(() => served.hub.stats().connections === 1);
      expect(served.errors).toEqual([]);
      expect((await fetch(`${served.server.url}/still-here`)).status).toBe(200);
    } finally {
      client.disconnect();
      await served.stop();
    }
  },
  TIMEOUT_MS,
);
