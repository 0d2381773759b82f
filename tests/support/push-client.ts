import * as v from "valibot";
import { until } from "./until.ts";

const Publication = v.object({ data: v.unknown(), offset: v.optional(v.number()) });
const Subscribed = v.object({
  epoch: v.optional(v.string()),
  offset: v.optional(v.number(), 0),
  recovered: v.optional(v.boolean(), false),
  publications: v.optional(v.array(Publication), []),
  data: v.optional(v.unknown()),
});
const Frame = v.object({
  id: v.optional(v.number()),
  error: v.optional(v.object({ code: v.number(), message: v.string() })),
  connect: v.optional(v.unknown()),
  subscribe: v.optional(Subscribed),
  push: v.optional(v.object({ channel: v.string(), pub: v.optional(Publication) })),
});

export type Publication = v.InferOutput<typeof Publication>;
export type Subscribed = v.InferOutput<typeof Subscribed>;

/** What one channel has told one connection. */
export interface Heard {
  readonly subscribed: Subscribed;
  readonly publications: Publication[];
}

/** The protocol with nothing but a WebSocket, as a person without the official client would write it. */
export class PlainSubscriber {
  readonly #socket: WebSocket;
  readonly #replies = new Map<number, Subscribed>();
  readonly #heard = new Map<string, Publication[]>();
  #id = 0;
  #trouble: string | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      for (const line of String(data).split("\n")) this.#take(line);
    };
  }

  /** Connects to a server at an HTTP address. */
  static async connect(url: string): Promise<PlainSubscriber> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/connection/websocket`);
    const subscriber = new PlainSubscriber(socket);
    await until("the socket to open", () => socket.readyState === WebSocket.OPEN);
    socket.send(JSON.stringify({ id: ++subscriber.#id, connect: {} }));
    return subscriber;
  }

  /** Subscribes, from a position when one is given. */
  async subscribe(
    channel: string,
    since?: { readonly offset: number; readonly epoch: string },
  ): Promise<Heard> {
    const id = ++this.#id;
    const publications: Publication[] = [];
    this.#heard.set(channel, publications);
    const recovery = since === undefined ? {} : { recover: true, ...since };
    this.#socket.send(JSON.stringify({ id, subscribe: { channel, ...recovery } }));
    const subscribed = await until(`${channel} to be subscribed`, () => {
      if (this.#trouble !== undefined) throw new Error(this.#trouble);
      return this.#replies.get(id);
    });
    return { subscribed, publications };
  }

  close(): void {
    this.#socket.close();
  }

  #take(line: string): void {
    if (line === "{}") {
      this.#socket.send("{}");
      return;
    }
    const frame = v.parse(v.pipe(v.string(), v.parseJson(), Frame), line);
    if (frame.error !== undefined) this.#trouble = `${frame.error.code} ${frame.error.message}`;
    if (frame.id !== undefined && frame.subscribe !== undefined) this.#replies.set(frame.id, frame.subscribe);
    if (frame.push?.pub !== undefined) this.#heard.get(frame.push.channel)?.push(frame.push.pub);
  }
}
