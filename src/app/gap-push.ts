import type { Database } from "../../db/mod.ts";
import { failureOf, type Timers } from "../core/mod.ts";
import { gapChangeToWire } from "../protocol/mod.ts";
import type { LosslessSource, PushHub } from "../push/mod.ts";
import { type GapEvent, gapChannel, openChannel, readChanges } from "../upkeep/mod.ts";

/** Channels that somebody listens to are looked at this often for what other processes have told. */
const LOOK_INTERVAL_MS = 1_000;
/** Events of one look. */
const EVENTS_MAX = 500;

export interface GapPushDeps {
  readonly database: Pick<Database, "db" | "kind">;
  readonly symbols: () => readonly string[];
  readonly hub: () => PushHub;
  readonly timers: Timers;
  readonly onError: (error: unknown, doing: string) => void;
}

/** The channels `gaps:{symbol}`: what this process finds, and on Postgres what the others do. */
export class GapPush {
  readonly #deps: GapPushDeps;
  /** Offset up to which a channel was published here. */
  readonly #published = new Map<string, number>();
  #cancel = () => {};
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: GapPushDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#deps.database.kind !== "postgres") return;
    this.#cancel = this.#deps.timers.after(LOOK_INTERVAL_MS, () => {
      this.#looking = this.#look().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#looking;
  }

  /** The events of a symbol, kept in the database. */
  source(symbol: string): LosslessSource {
    const { database } = this.#deps;
    const name = gapChannel(symbol);
    return {
      kind: "lossless",
      position: async () => {
        const position = await openChannel(database, name);
        if (!this.#published.has(name)) this.#published.set(name, position.offset);
        return position;
      },
      history: async (since, limit) =>
        (await readChanges(database, name, since, limit)).map((event) => streamEvent(symbol, event)),
    };
  }

  /** Changes were committed. */
  publish(events: readonly GapEvent[]): void {
    const hub = this.#deps.hub();
    for (const event of events) {
      this.#published.set(event.channel, Math.max(event.offset, this.#published.get(event.channel) ?? 0));
      hub.publish(event.channel, streamEvent(event.channel.slice(gapChannel("").length), event));
    }
  }

  async #look(): Promise<void> {
    const { database, symbols, hub, onError } = this.#deps;
    for (const name of symbols().map(gapChannel)) {
      const since = this.#published.get(name);
      if (since === undefined || !hub().listened(name)) continue;
      try {
        this.publish(await readChanges(database, name, since, EVENTS_MAX));
      } catch (thrown) {
        onError(failureOf(thrown), `reading ${name}`);
      }
    }
  }
}

function streamEvent(symbol: string, { offset, atMs, data }: GapEvent) {
  return { offset, data: gapChangeToWire(symbol, data, atMs) };
}
