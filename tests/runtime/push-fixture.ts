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
  epoch = "e1";
  readonly events: StreamEvent[] = [];
  state: ConflatedState = { revision: 1, fields: { levels: { POC: 1, VWAP: 1.5 } } };

  commit(data: unknown): StreamEvent {
    const event = { offset: this.events.length + 1, data };
    this.events.push(event);
    return event;
  }
}

export interface Served {
  readonly hub: PushHub;
  readonly server: WebServer;
  readonly errors: unknown[];
  stop(): Promise<void>;
}

/** A real server over a world; `backfill` is its events, `levels:…` its state. */
export function serve(
  world: World,
  options: { port?: number; limits?: Partial<PushLimits>; authorizer?: Authorizer; rpc?: RpcHandler } & Pick<
    ListenOptions,
    "allowedOrigins"
  > = {},
): Served {
  const errors: unknown[] = [];
  const { port = 0, limits = {}, authorizer, rpc, ...rest } = options;
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
          position: () => ({ epoch: world.epoch, offset: world.events.length }),
          history: (since, limit) => world.events.slice(since, since + limit),
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
