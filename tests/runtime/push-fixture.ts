import { formatChannel } from "../../src/protocol/mod.ts";
import {
  type Authorizer,
  type ConflatedState,
  PushHub,
  type PushLimits,
  type RpcHandler,
  type StreamEvent,
} from "../../src/push/mod.ts";
import { type ListenOptions, listen, systemTimers, type WebServer } from "../../src/runtime/mod.ts";

/** What outlives a server: its events and its state. */
export class World {
  #epoch = 1;
  #events: StreamEvent[] = [];
  state: ConflatedState = { revision: 1, fields: { levels: { POC: 1, VWAP: 1.5 } } };

  get epoch(): string {
    return `e${this.#epoch}`;
  }

  get events(): readonly StreamEvent[] {
    return this.#events;
  }

  commit(data: unknown): StreamEvent {
    const event = { offset: this.events.length + 1, data };
    this.#events.push(event);
    return event;
  }

  /** Another history takes the place of this one. */
  replace(): void {
    this.#epoch += 1;
    this.#events = [];
  }
}

export interface Served {
  readonly hub: PushHub;
  readonly server: WebServer;
  readonly errors: unknown[];
  stop(): Promise<void>;
}

export interface ServeOptions
  extends Pick<ListenOptions, "allowedOrigins" | "addressHeader" | "loopbackNamesOnly"> {
  readonly port?: number;
  readonly limits?: Partial<PushLimits>;
  readonly authorizer?: Authorizer;
  readonly rpc?: RpcHandler;
  /** Waited for before the history answers. */
  readonly slowly?: () => Promise<void>;
}

/** A real server over a world; `backfill` is its events, `levels:…` its state. */
export function serve(world: World, options: ServeOptions = {}): Served {
  const errors: unknown[] = [];
  const { port = 0, limits = {}, authorizer, rpc, slowly = async () => {}, ...rest } = options;
  const hub = new PushHub({
    timers: systemTimers(),
    nowMs: () => Date.now(),
    defaultVenue: "binance",
    newClientId: () => crypto.randomUUID(),
    version: "test",
    limits,
    ...(authorizer === undefined ? {} : { authorizer }),
    ...(rpc === undefined ? {} : { rpc }),
    onError: (error) => errors.push(error),
    resolve: (channel) => {
      if (channel.kind === "levels")
        return formatChannel(channel).includes("UNKNOWN")
          ? { kind: "unknown", message: "we do not follow it" }
          : { kind: "source", source: { kind: "conflated", current: () => world.state } };
      return {
        kind: "source",
        source: {
          kind: "lossless",
          position: async () => {
            await slowly();
            return { epoch: world.epoch, offset: world.events.length };
          },
          history: async (since, limit) => {
            await slowly();
            return world.events.slice(since, since + limit);
          },
        },
      };
    },
  });
  const server = listen({
    hostname: "127.0.0.1",
    port,
    push: hub,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      return pathname === "/hang" ? new Promise(() => undefined) : new Response(`answer to ${pathname}`);
    },
    ...rest,
  });
  return {
    hub,
    server,
    errors,
    stop: async () => {
      await hub.close();
      await server.stop(500);
    },
  };
}

/** Waits until a condition holds; the test's own time limit ends a wait in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
