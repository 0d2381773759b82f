/**
 * The server of the push benchmarks: the real hub behind the real sockets, over a made-up level set and a made-up event log, and
 * beside it a bare `Bun.serve` that publishes the same frames by Bun's own topics. It is told what to do over HTTP and prints its
 * addresses when it is ready; it ends with its standard input.
 */
import { heapStats } from "bun:jsc";
import { changedFields, formatChannel, publicationFrame, publicationJson } from "../../src/protocol/mod.ts";
import { type ConflatedSource, type LosslessSource, PushHub, type StreamEvent } from "../../src/push/mod.ts";
import { listen, systemTimers } from "../../src/runtime/mod.ts";
import { levelState } from "./level-frames.ts";
import { epochMs } from "./marks.ts";

const LEVELS = "levels:binance:BTCUSDT";
const EVENTS = "backfill";
const FIREHOSE = "gaps:binance:BTCUSDT";
const TOPIC = "levels";
/** States made beforehand, so that only sending is measured. */
const STATES = 1_000;
const CONNECTIONS_MAX = 20_000;
/** Events of a channel that are remembered. */
const EVENTS_KEPT = 2_000;
/** What flows: levels and events to everybody, and the firehose to whoever asks for it; ms between two, and characters. */
const FLOW = { levelsMs: 100, eventMs: 100, firehoseMs: 5, firehoseChars: 10_000 };
/** A round that nobody acknowledges ends the measurement, ms. */
const ROUND_TIMEOUT_MS = 5_000;

const states = Array.from({ length: STATES }, (_, at) => levelState(at + 1));
const frames = states.map((state, at) => {
  const { revision, fields } = state;
  const held = states.at(at - 1)!;
  const changed = { ...changedFields(held.fields, fields), revision, previous_revision: held.revision };
  return publicationFrame(LEVELS, publicationJson(JSON.stringify(changed)));
});

let round = 0;

/** The newest events of a channel. */
class Events {
  readonly #channel: string;
  #kept: StreamEvent[] = [];
  #last = 0;

  constructor(channel: string) {
    this.#channel = channel;
  }

  get source(): LosslessSource {
    return {
      kind: "lossless",
      position: () => ({ epoch: "bench", offset: this.#last }),
      history: (since, limit) => this.#kept.filter(({ offset }) => offset > since).slice(0, limit),
    };
  }

  publish(data: unknown): void {
    const event = { offset: ++this.#last, data };
    this.#kept.push(event);
    if (this.#kept.length > EVENTS_KEPT) this.#kept = this.#kept.slice(EVENTS_KEPT / 2);
    hub.publish(this.#channel, event);
  }
}
const events = new Events(EVENTS);
const firehose = new Events(FIREHOSE);
const levelsSource: ConflatedSource = {
  kind: "conflated",
  current: () => ({ ...states[round % STATES]!, revision: round + 1 }),
};
const hub = new PushHub({
  timers: systemTimers(),
  nowMs: Date.now,
  resolve: (channel) => {
    const name = formatChannel(channel);
    const source = name === EVENTS ? events.source : name === FIREHOSE ? firehose.source : levelsSource;
    return { kind: "source", source };
  },
  defaultVenue: "binance",
  newClientId: () => crypto.randomUUID(),
  version: "bench",
  onError: (error) => console.error(error),
  limits: {
    connectionsMax: CONNECTIONS_MAX,
    ...(process.env["CONFLATE_MS"] === undefined ? {} : { conflateMs: Number(process.env["CONFLATE_MS"]) }),
  },
});

/** Every byte that comes on it acknowledges a round. */
let acknowledged = () => {};
const acks = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data: (_, chunk) => {
      for (const __ of chunk) acknowledged();
    },
  },
});

const bare = Bun.serve<undefined>({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) =>
    server.upgrade(request, { data: undefined }) ? undefined : new Response("", { status: 426 }),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    open: (socket) => void socket.subscribe(TOPIC),
    message: () => {},
  },
});

function send(kind: string): void {
  round += 1;
  if (kind === "hub") hub.touch(LEVELS);
  else bare.publish(TOPIC, frames[round % STATES]!);
}

/** `count` rounds, each when the one before has arrived everywhere; answers the time and the processor time they took. */
async function rounds(kind: string, count: number): Promise<object> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (let n = 0; n < count; n++) {
    const arrived = Promise.withResolvers<void>();
    acknowledged = arrived.resolve;
    const timer = setTimeout(() => arrived.reject(new Error("a round did not arrive")), ROUND_TIMEOUT_MS);
    send(kind);
    await arrived.promise;
    clearTimeout(timer);
  }
  return spent(startedAt, cpu);
}

/** A round every `everyMs`, as a market moves. */
async function paced(kind: string, count: number, everyMs: number): Promise<object> {
  acknowledged = () => {};
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (let n = 1; n <= count; n++) {
    send(kind);
    await Bun.sleep(Math.max(0, startedAt + n * everyMs - performance.now()));
  }
  return spent(startedAt, cpu);
}

/** Lets everything flow for a while; answers what it took at its worst. */
async function flow(ms: number): Promise<object> {
  const text = "x".repeat(FLOW.firehoseChars);
  const rssBefore = process.memoryUsage.rss();
  let [rssPeak, outboxPeak] = [rssBefore, 0];
  const every = [
    setInterval(() => send("hub"), FLOW.levelsMs),
    setInterval(() => events.publish({ at: epochMs() }), FLOW.eventMs),
    setInterval(() => {
      firehose.publish({ text });
      rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
      outboxPeak = Math.max(outboxPeak, hub.stats().outboxBytes);
    }, FLOW.firehoseMs),
  ];
  await Bun.sleep(ms);
  for (const each of every) clearInterval(each);
  return { rssGrowth: rssPeak - rssBefore, outboxPeak, ...hub.stats() };
}

function spent(startedAt: number, cpu: NodeJS.CpuUsage): object {
  const { user, system } = process.cpuUsage(cpu);
  return { ms: performance.now() - startedAt, cpuUs: user + system };
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const number = (name: string) => Number(searchParams.get(name));
  const kind = searchParams.get("kind") ?? "hub";
  switch (pathname) {
    case "/rounds":
      return Response.json(await rounds(kind, number("count")));
    case "/paced":
      return Response.json(await paced(kind, number("count"), number("every")));
    case "/flow":
      return Response.json(await flow(number("ms")));
    default: {
      if (searchParams.has("gc")) Bun.gc(true);
      const { heapSize, objectCount } = heapStats();
      return Response.json({ ...hub.stats(), rss: process.memoryUsage.rss(), heapSize, objectCount });
    }
  }
}

const server = listen({ hostname: "127.0.0.1", port: 0, push: hub, fetch: answer, idleTimeout: 0 });
console.log(`ready ${server.port} ${bare.port} ${acks.port}`);
for await (const _ of process.stdin);
process.exit(0);
