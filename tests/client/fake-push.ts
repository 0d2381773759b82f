import * as v from "valibot";
import { until } from "../support/until.ts";

/** What the server answers to a subscribe: a result, or an error. */
export type SubscribeAnswer =
  | { readonly subscribe: Readonly<Record<string, unknown>> }
  | { readonly error: { readonly code: number; readonly message: string; readonly temporary?: boolean } };

const Command = v.object({
  id: v.optional(v.number()),
  connect: v.optional(v.object({ token: v.optional(v.string()) })),
  subscribe: v.optional(v.looseObject({ channel: v.string() })),
  unsubscribe: v.optional(v.object({ channel: v.string() })),
});

export interface Asked {
  readonly channel: string;
  readonly recover?: unknown;
  readonly offset?: unknown;
  readonly epoch?: unknown;
}

/** A server of the push protocol inside the test: `WebSocket` is what a client connects to it with. */
export class FakePush {
  readonly WebSocket: new (
    url: string,
  ) => object;
  /** Every subscribe and unsubscribe, in order. */
  readonly asked: Asked[] = [];
  readonly left: string[] = [];
  /** The token of each connect. */
  readonly tokens: (string | undefined)[] = [];
  readonly urls: string[] = [];
  /** What the next connects are answered instead of being accepted. */
  readonly refusals: { readonly code: number; readonly reason: string }[] = [];
  #socket: FakeSocket | undefined;
  readonly #answer: (asked: Asked) => SubscribeAnswer;

  constructor(answer: (asked: Asked) => SubscribeAnswer) {
    this.#answer = answer;
    const server = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super((socket, line) => server.#take(socket, line));
        server.urls.push(url);
        server.#socket = this;
      }
    };
  }

  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  publish(channel: string, data: unknown, offset?: number): void {
    this.#send({ push: { channel, pub: offset === undefined ? { data } : { data, offset } } });
  }

  /** Ends the connection as the server does. */
  close(code: number, reason: string): void {
    this.#socket?.end(code, reason);
  }

  async subscribedTo(channel: string, times = 1): Promise<void> {
    const heard = () => this.asked.filter((of) => of.channel === channel).length >= times;
    await until(`${channel} to be subscribed ${times} times`, heard, 10_000);
  }

  #send(frame: unknown): void {
    this.#socket?.hear(JSON.stringify(frame));
  }

  #take(socket: FakeSocket, line: string): void {
    if (line === "{}") return;
    const { id, connect, subscribe, unsubscribe } = v.parse(v.pipe(v.string(), v.parseJson(), Command), line);
    const reply = (body: object) => queueMicrotask(() => socket.hear(JSON.stringify({ id, ...body })));
    if (connect !== undefined) {
      this.tokens.push(connect.token);
      const refusal = this.refusals.shift();
      if (refusal === undefined) reply({ connect: { client: "c", version: "fake", ping: 25, pong: true } });
      else if (refusal.code < 3000) reply({ error: { code: refusal.code, message: refusal.reason } });
      else queueMicrotask(() => socket.end(refusal.code, refusal.reason));
    }
    if (subscribe !== undefined) {
      this.asked.push(subscribe);
      reply(this.#answer(subscribe));
    }
    if (unsubscribe !== undefined) {
      this.left.push(unsubscribe.channel);
      reply({ unsubscribe: {} });
    }
  }
}

class FakeSocket {
  readyState: number = WebSocket.CONNECTING;
  onopen: (() => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  onerror: (() => void) | undefined;
  readonly #take: (socket: FakeSocket, line: string) => void;

  constructor(take: (socket: FakeSocket, line: string) => void) {
    this.#take = take;
    setTimeout(() => {
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.readyState = WebSocket.OPEN;
      this.onopen?.();
    });
  }

  send(text: string): void {
    for (const line of text.split("\n")) this.#take(this, line);
  }

  hear(text: string): void {
    if (this.readyState === WebSocket.OPEN) this.onmessage?.({ data: text });
  }

  close(): void {
    this.end(1000, "");
  }

  end(code: number, reason: string): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    queueMicrotask(() => this.onclose?.({ code, reason }));
  }
}
