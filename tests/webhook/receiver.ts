import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";
import * as v from "valibot";
import { WebhookPayload } from "../../src/protocol/mod.ts";

export interface Received {
  readonly path: string;
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A program that is told: a real HTTP server on loopback. */
export class Receiver {
  readonly url: string;
  readonly received: Received[] = [];
  /** How it answers; 204 unless told otherwise. */
  answer: (response: ServerResponse, received: Received) => void = (response) =>
    response.writeHead(204).end();
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/hook`;
    server.on("request", (request, response) => void this.#take(request, response));
  }

  static start(): Promise<Receiver> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(new Receiver(server, typeof address === "object" && address !== null ? address.port : 0));
      });
    });
  }

  /** The payload of a message; throws when its signature is wrong, or older than five minutes. */
  static verify(secret: string, { body, headers }: Received): WebhookPayload {
    return v.parse(WebhookPayload, new Webhook(secret).verify(body, headers));
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of request) body += String(part);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const received = { path: request.url ?? "", id: headers["webhook-id"] ?? "", body, headers };
    this.received.push(received);
    this.answer(response, received);
  }
}
