import { BACKFILL_CHANNEL, type JobStore, jobChannel, type Settled } from "../backfill/mod.ts";
import { symbolName } from "../core/mod.ts";
import type { LiveIngest } from "../live/mod.ts";
import { type Channel, formatChannel } from "../protocol/mod.ts";
import type { PushHub, Resolution } from "../push/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import { BarsSource, type BarsSourceDeps } from "./channels/bars-source.ts";
import type { ChannelSight } from "./channels/channel-sight.ts";
import { type JobEventsDeps, jobEvents, publishJob } from "./channels/job-events.ts";
import { LevelsSource, type LevelsSourceDeps } from "./channels/levels-source.ts";
import { ProfileSource, type ProfileSourceDeps } from "./channels/profile-source.ts";
import type { GapPush } from "./gap-push.ts";

export interface PushChannelsDeps extends LevelsSourceDeps, ProfileSourceDeps, BarsSourceDeps, JobEventsDeps {
  readonly levels: LevelsSourceDeps["levels"];
  readonly jobs: Pick<JobStore, "job" | "channelState" | "events">;
  readonly store: Pick<ProfileStore, "bySymbol">;
  readonly gaps: Pick<GapPush, "source">;
  readonly live: Pick<LiveIngest, "catchUp">;
  readonly hub: () => Pick<PushHub, "publish" | "progress" | "listened" | "touch">;
  /** Symbols that are followed, also while the venue has not said yet what they trade in. */
  readonly followed: readonly string[];
}

/** What each push channel carries, and what to say when something changed. */
export class PushChannels {
  readonly #deps: PushChannelsDeps;
  /** Names of the channels of series that somebody listens to, by symbol. */
  readonly #open = new Map<string, Set<string>>();

  constructor(deps: PushChannelsDeps) {
    this.#deps = deps;
  }

  async resolve(channel: Channel): Promise<Resolution> {
    switch (channel.kind) {
      case "backfill":
        return { kind: "source", source: jobEvents(this.#deps, BACKFILL_CHANNEL) };
      case "job": {
        const job = await this.#deps.jobs.job(channel.jobId);
        if (job === undefined) return { kind: "unknown", message: `there is no job ${channel.jobId}` };
        return { kind: "source", source: jobEvents(this.#deps, jobChannel(job.id), job.id) };
      }
      case "gaps": {
        const name = symbolName(channel);
        const { store, followed, gaps } = this.#deps;
        if (store.bySymbol(name) === undefined && !followed.includes(name)) return neverSeen(name);
        return { kind: "source", source: gaps.source(name) };
      }
      default:
        return this.#ofSeries(channel);
    }
  }

  /** A job moved. */
  settled(settled: Settled): void {
    publishJob(this.#deps.hub(), settled);
  }

  /** A series changed: every channel of it may have. */
  seriesChanged(series: SeriesStore): void {
    const hub = this.#deps.hub();
    for (const name of this.#open.get(series.symbol) ?? []) hub.touch(name);
  }

  #ofSeries(channel: Extract<Channel, { kind: "levels" | "profile" | "bars" }>): Resolution {
    const name = symbolName(channel);
    const series = this.#deps.store.bySymbol(name);
    if (series === undefined && this.#deps.followed.includes(name))
      return { kind: "later", message: `the venue has not said yet what ${name} trades in` };
    if (series === undefined) return neverSeen(name);
    const sight = this.#sight(series, formatChannel(channel));
    if (channel.kind === "bars")
      return { kind: "source", source: new BarsSource(this.#deps, series, channel.interval, sight) };
    if (this.#deps.levels.sessionNamed(channel.session) === undefined)
      return { kind: "unknown", message: `there is no session of ${channel.session}` };
    const Source = channel.kind === "levels" ? LevelsSource : ProfileSource;
    return { kind: "source", source: new Source(this.#deps, series, channel.session, sight) };
  }

  #sight({ symbol, seriesId }: SeriesStore, name: string): ChannelSight {
    const { hub, live } = this.#deps;
    return {
      open: () => this.#track(symbol, name, true),
      close: () => this.#track(symbol, name, false),
      touch: () => hub().touch(name),
      catchUp: () => live.catchUp(seriesId),
    };
  }

  #track(symbol: string, name: string, open: boolean): void {
    const names = this.#open.get(symbol) ?? new Set();
    if (open) names.add(name);
    else names.delete(name);
    if (names.size > 0) this.#open.set(symbol, names);
    else this.#open.delete(symbol);
  }
}

function neverSeen(name: string): Resolution {
  return { kind: "unknown", message: `${name} is not followed here and was never backfilled` };
}
