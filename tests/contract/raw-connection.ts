import * as v from "valibot";
import { until } from "../support/until.ts";

const Frame = v.record(v.string(), v.unknown());
export type Frame = v.InferOutput<typeof Frame>;

/** A connection that understands nothing: it sends frames as they stand, keeps what comes, and answers pings. */
export class RawConnection {
  readonly #socket: WebSocket;
  readonly frames: Frame[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      for (const line of String(data).split("\n")) {
        const frame = v.parse(Frame, JSON.parse(line));
        this.frames.push(frame);
        if (Object.keys(frame).length === 0) socket.send("{}");
      }
    };
  }

  static async open(url: string): Promise<RawConnection> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/connection/websocket`);
    const connection = new RawConnection(socket);
    await until("the socket to open", () => socket.readyState === WebSocket.OPEN);
    return connection;
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Sends a command and answers its reply. */
  ask(id: number, method: string, request: unknown): Promise<Frame> {
    this.send({ id, [method]: request });
    return until(`the reply to ${method}`, () => this.frames.find((frame) => frame["id"] === id));
  }

  /** What was pushed on a channel so far. */
  pushes(channel: string): Frame[] {
    return this.frames.filter(
      ({ push }) =>
        typeof push === "object" && push !== null && "channel" in push && push.channel === channel,
    );
  }

  close(): void {
    this.#socket.close();
  }
}
