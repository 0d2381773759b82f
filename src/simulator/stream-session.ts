import * as v from "valibot";
import { malformedText } from "./answers.ts";
import type { Faults } from "./faults.ts";
import { parseStreamName, type SocketPlan, type StreamName } from "./stream-name.ts";

/** The socket under a session, as the runtime has it. */
export interface SimulatedSocket {
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  /** Breaks the connection without a closing handshake. */
  terminate(): void;
  /** Bytes that the reader has not taken yet. */
  bufferedBytes(): number;
}

export interface SessionOptions {
  readonly id: number;
  readonly socket: SimulatedSocket;
  readonly plan: SocketPlan;
  readonly faults: Faults;
  readonly openedMs: number;
  /** Streams came or went. */
  readonly onChange: (session: StreamSession) => void;
}

/** One connection of a reader: its subscriptions, and the faults on its way out. */
export interface StreamSession {
  readonly id: number;
  readonly openedMs: number;
  readonly socket: SimulatedSocket;
  readonly streams: ReadonlyMap<string, StreamName>;
  /** Nothing is sent any more, not even a close. */
  readonly frozen: boolean;
  readonly sent: number;
  /** A message of the reader, at a time in ms. */
  message(text: string, nowMs: number): void;
  /** Sends a payload of `stream`, if it is subscribed and not silenced. */
  deliver(stream: string, payload: string): void;
  /** Sends a text as it stands. */
  sendRaw(text: string): void;
  /** An event that belongs to no stream. */
  announce(event: string, payload: string): void;
  freeze(): void;
  /** Acknowledged streams stop sending; answers how many. */
  silence(symbol?: string): number;
}

/** As the exchange's. */
const STREAMS_MAX = 1_024;
const MESSAGES_PER_SECOND_MAX = 5;
const MESSAGE_BYTES_MAX = 65_536;
const POLICY_VIOLATION = 1008;

const idSchema = v.nullable(v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.maxLength(36))]));
const commandSchema = v.variant("method", [
  v.object({ method: v.literal("SUBSCRIBE"), params: v.array(v.string()), id: idSchema }),
  v.object({ method: v.literal("UNSUBSCRIBE"), params: v.array(v.string()), id: idSchema }),
  v.object({ method: v.literal("LIST_SUBSCRIPTIONS"), id: idSchema }),
]);
const commandTextSchema = v.pipe(v.string(), v.parseJson(), commandSchema);

export function openSession(options: SessionOptions): StreamSession {
  const { id, socket, plan, faults, openedMs } = options;
  const streams = new Map<string, StreamName>();
  const silenced = new Set<string>();
  /** A frame held back until the next one of its stream has gone before it. */
  const held = new Map<string, string>();
  const opening = { path: plan.path, symbol: plan.streams[0]?.symbol, target: "ws" } as const;
  let frozen = faults.fire("half_open", opening) !== undefined;
  let sent = 0;
  let second = 0;
  let messages = 0;

  const sendRaw = (text: string) => {
    if (frozen) return;
    sent++;
    socket.send(text);
  };

  const subscribe = (stream: StreamName) => {
    streams.set(stream.name, stream);
    const subject = { path: stream.name, symbol: stream.symbol, target: "ws" } as const;
    if (faults.fire("silent", subject) === undefined) silenced.delete(stream.name);
    else silenced.add(stream.name);
  };

  const unsubscribe = (name: string) => {
    streams.delete(name);
    silenced.delete(name);
    held.delete(name);
  };

  const run = (command: v.InferOutput<typeof commandSchema>): string => {
    const answer = (body: object) => JSON.stringify({ ...body, id: command.id });
    if (command.method === "LIST_SUBSCRIPTIONS") return answer({ result: [...streams.keys()] });
    if (command.method === "UNSUBSCRIBE") {
      for (const name of command.params) unsubscribe(name);
      return answer({ result: null });
    }
    const wanted = command.params.map(parseStreamName).filter((stream) => stream !== undefined);
    if (wanted.length !== command.params.length)
      return answer({ error: { code: 2, msg: "Invalid request: invalid stream" } });
    if (new Set([...streams.keys(), ...command.params]).size > STREAMS_MAX)
      return answer({ error: { code: 2, msg: `Invalid request: more than ${STREAMS_MAX} streams` } });
    for (const stream of wanted) subscribe(stream);
    return answer({ result: null });
  };

  const session: StreamSession = {
    id,
    openedMs,
    socket,
    streams,
    get frozen() {
      return frozen;
    },
    get sent() {
      return sent;
    },
    message(text, nowMs) {
      const current = Math.floor(nowMs / 1_000);
      messages = current === second ? messages + 1 : 1;
      second = current;
      if (messages > MESSAGES_PER_SECOND_MAX || text.length > MESSAGE_BYTES_MAX) {
        if (!frozen) socket.close(POLICY_VIOLATION, "Too many requests");
        return;
      }
      const parsed = v.safeParse(commandTextSchema, text);
      if (!parsed.success) {
        const msg = `Invalid request: ${parsed.issues[0].message}`;
        sendRaw(JSON.stringify({ error: { code: 2, msg }, id: null }));
        return;
      }
      sendRaw(run(parsed.output));
      options.onChange(session);
    },
    deliver(name, payload) {
      const stream = streams.get(name);
      if (frozen || stream === undefined || silenced.has(name)) return;
      const subject = { path: name, symbol: stream.symbol, target: "ws" } as const;
      const text = plan.combined ? `{"stream":"${name}","data":${payload}}` : payload;
      if (faults.fire("drop", subject) !== undefined) {
        frozen = true;
        socket.terminate();
        return;
      }
      if (faults.fire("missing", subject) !== undefined) return;
      const malformed = faults.fire("malformed", subject);
      const frame = malformed === undefined ? text : malformedText(malformed.body, text);
      const earlier = held.get(name);
      if (earlier === undefined && faults.fire("reorder", subject) !== undefined) {
        held.set(name, frame);
        return;
      }
      sendRaw(frame);
      if (faults.fire("duplicate", subject) !== undefined) sendRaw(frame);
      if (earlier !== undefined) {
        held.delete(name);
        sendRaw(earlier);
      }
    },
    sendRaw,
    announce(event, payload) {
      sendRaw(plan.combined ? `{"stream":"!${event}","data":${payload}}` : payload);
    },
    freeze() {
      frozen = true;
    },
    silence(symbol) {
      let affected = 0;
      for (const stream of streams.values()) {
        if (symbol !== undefined && stream.symbol !== symbol) continue;
        silenced.add(stream.name);
        affected++;
      }
      return affected;
    },
  };
  for (const stream of plan.streams) subscribe(stream);
  return session;
}
