import { type Channel, formatChannel } from "../protocol/mod.ts";
import { ConflatedChannel } from "./conflated-channel.ts";
import { LosslessChannel } from "./lossless-channel.ts";
import type { PushLimits } from "./push-limits.ts";
import type { ChannelResolver, ChannelSource } from "./sources.ts";
import { type PushTimers, withinTime } from "./timers.ts";

export type OpenChannel = ConflatedChannel | LosslessChannel;

export type Acquired =
  | { readonly kind: "channel"; readonly channel: OpenChannel; readonly release: () => void }
  | { readonly kind: "unknown" | "later"; readonly message: string };

export interface ChannelTableOptions {
  readonly resolve: ChannelResolver;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  readonly onError: (error: unknown, doing: string) => void;
}

interface Entry {
  readonly channel: OpenChannel;
  /** Subscriptions, and attempts at one. */
  users: number;
}

/**
 * The channels in use, by canonical name. A conflated channel is closed with its last user; a lossless one stays for a while
 * (the `idleChannelsMax` most recent ones do), so that clients that come back find their events in memory.
 */
export class ChannelTable {
  readonly #options: ChannelTableOptions;
  readonly #entries = new Map<string, Entry>();
  /** Names of lossless channels without users, the longest idle first. */
  readonly #idle = new Set<string>();

  constructor(options: ChannelTableOptions) {
    this.#options = options;
  }

  /** The open channel of a name, for publishers. */
  get(name: string): OpenChannel | undefined {
    return this.#entries.get(name)?.channel;
  }

  /** The channel, resolved if nobody uses it yet; `release` gives it back, once. Rejects when the resolver fails or is late. */
  async acquire(channel: Channel): Promise<Acquired> {
    const name = formatChannel(channel);
    const open = this.#entries.get(name);
    if (open !== undefined) return this.#use(name, open);
    const { resolve, timers, limits } = this.#options;
    const resolution = await withinTime(timers, limits.sourceMs, `resolving ${name}`, () => resolve(channel));
    if (resolution.kind !== "source") return resolution;
    // Somebody else may have resolved the same name meanwhile: theirs is the one in use.
    const entry = this.#entries.get(name) ?? this.#create(name, resolution.source);
    return this.#use(name, entry);
  }

  close(): void {
    for (const { channel } of this.#entries.values()) channel.close();
    this.#entries.clear();
    this.#idle.clear();
  }

  #create(name: string, source: ChannelSource): Entry {
    const { limits, timers, onError } = this.#options;
    const host = {
      onError: (error: unknown, doing: string) => onError(error, `${doing} (${name})`),
      onBroken: () => this.#forget(name, entry),
    };
    const channel =
      source.kind === "lossless"
        ? new LosslessChannel(source, limits, timers, host)
        : new ConflatedChannel(source, limits, timers, host);
    const entry: Entry = { channel, users: 0 };
    this.#entries.set(name, entry);
    return entry;
  }

  #use(name: string, entry: Entry): Acquired {
    entry.users += 1;
    this.#idle.delete(name);
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      entry.users -= 1;
      if (entry.users === 0 && this.#entries.get(name) === entry) this.#rest(name, entry);
    };
    return { kind: "channel", channel: entry.channel, release };
  }

  #rest(name: string, entry: Entry): void {
    if (entry.channel.kind === "conflated" || !entry.channel.opened) {
      this.#forget(name, entry);
      return;
    }
    this.#idle.add(name);
    const [oldest] = this.#idle;
    const idle = oldest === undefined ? undefined : this.#entries.get(oldest);
    if (this.#idle.size > this.#options.limits.idleChannelsMax && oldest !== undefined && idle !== undefined)
      this.#forget(oldest, idle);
  }

  #forget(name: string, entry: Entry): void {
    entry.channel.close();
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    this.#idle.delete(name);
  }
}
