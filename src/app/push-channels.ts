import { BACKFILL_CHANNEL, type JobEvent, type JobStore, jobChannel, type Settled } from "../backfill/mod.ts";
import { OperationFailure, type Session, symbolName } from "../core/mod.ts";
import type { BackfillFace } from "../http/mod.ts";
import type { LiveIngest } from "../live/mod.ts";
import { type Channel, formatChannel, jobToWire, levelSetToWire } from "../protocol/mod.ts";
import type {
  ConflatedSource,
  ConflatedState,
  LosslessSource,
  PushHub,
  Resolution,
  StreamPosition,
} from "../push/mod.ts";
import { daysRead, type ProfileStore, type SeriesStore } from "../store/mod.ts";
import type { GapPush } from "./gap-push.ts";
import type { LevelService } from "./level-service.ts";

export interface PushChannelsDeps {
  readonly jobs: Pick<JobStore, "job" | "channelState" | "events">;
  readonly store: Pick<ProfileStore, "bySymbol">;
  readonly levels: Pick<
    LevelService,
    "sessionNamed" | "currentSession" | "expectedEnd" | "load" | "read" | "isPending" | "backfillOf"
  >;
  readonly backfill: Pick<BackfillFace, "job">;
  readonly gaps: Pick<GapPush, "source">;
  readonly live: Pick<LiveIngest, "catchUp">;
  readonly hub: () => Pick<PushHub, "publish" | "progress" | "listened" | "touch">;
  /** Symbols that are followed, also while the venue has not said yet what they trade in. */
  readonly followed: readonly string[];
  readonly onError: (error: unknown, doing: string) => void;
}

/** What each push channel carries, and what to say when something changed. */
export class PushChannels {
  readonly #deps: PushChannelsDeps;
  /** Names of the levels channels that somebody listens to, by symbol. */
  readonly #openLevels = new Map<string, Set<string>>();

  constructor(deps: PushChannelsDeps) {
    this.#deps = deps;
  }

  async resolve(channel: Channel): Promise<Resolution> {
    switch (channel.kind) {
      case "backfill":
        return { kind: "source", source: this.#events(BACKFILL_CHANNEL) };
      case "job": {
        const job = await this.#deps.jobs.job(channel.jobId);
        if (job === undefined) return { kind: "unknown", message: `there is no job ${channel.jobId}` };
        return { kind: "source", source: this.#events(jobChannel(job.id), job.id) };
      }
      case "gaps": {
        const name = symbolName(channel);
        const { store, followed, gaps } = this.#deps;
        if (store.bySymbol(name) === undefined && !followed.includes(name))
          return { kind: "unknown", message: `${name} is not followed here and was never backfilled` };
        return { kind: "source", source: gaps.source(name) };
      }
      case "levels": {
        const name = `${channel.venue}:${channel.symbol}`;
        const series = this.#deps.store.bySymbol(name);
        if (series === undefined && this.#deps.followed.includes(name))
          return { kind: "later", message: `the venue has not said yet what ${name} trades in` };
        if (series === undefined)
          return { kind: "unknown", message: `${name} is not followed here and was never backfilled` };
        if (this.#deps.levels.sessionNamed(channel.session) === undefined)
          return { kind: "unknown", message: `there is no session of ${channel.session}` };
        return {
          kind: "source",
          source: new LevelsSource(this.#deps, series, channel.session, (open) =>
            this.#track(name, channel, open),
          ),
        };
      }
    }
  }

  /** A job moved. */
  settled({ job, events }: Settled): void {
    const hub = this.#deps.hub();
    for (const event of events) hub.publish(event.channel, toStream(event));
    const name = jobChannel(job.id);
    if (hub.listened(name))
      hub.progress(name, {
        job_id: job.id,
        status: job.status,
        progress_pct: job.progressPct,
        chunks_total: job.chunksTotal,
        chunks_done: job.chunksDone,
        chunks_failed: job.chunksFailed,
        total_records_fetched: job.recordsFetched,
        total_records_inserted: job.recordsInserted,
      });
  }

  /** A series changed: every levels channel of it may have. */
  seriesChanged(series: SeriesStore): void {
    const hub = this.#deps.hub();
    for (const name of this.#openLevels.get(series.symbol) ?? []) hub.touch(name);
  }

  #track(symbol: string, channel: Channel, open: boolean): void {
    const names = this.#openLevels.get(symbol) ?? new Set();
    const name = formatChannel(channel);
    if (open) names.add(name);
    else names.delete(name);
    if (names.size > 0) this.#openLevels.set(symbol, names);
    else this.#openLevels.delete(symbol);
  }

  #events(name: string, jobId?: string): LosslessSource {
    const { jobs, backfill } = this.#deps;
    return {
      kind: "lossless",
      position: async (): Promise<StreamPosition> =>
        (await jobs.channelState(name)) ?? { epoch: "", offset: 0 },
      history: async (since, limit) => (await jobs.events(name, since, limit)).map(toStream),
      ...(jobId === undefined
        ? {}
        : {
            snapshot: async () => {
              // No older than the position beside it.
              const signal = AbortSignal.timeout(SNAPSHOT_TIMEOUT_MS);
              const facts = await backfill.job(jobId, { signal, fresh: true });
              return facts === undefined ? null : jobToWire(facts);
            },
          }),
    };
  }
}

const SNAPSHOT_TIMEOUT_MS = 5_000;

function toStream({ offset, data }: JobEvent) {
  return { offset, data };
}

/** The level set of a symbol: of the running session, which rolls when the next one begins, or of a named one. */
class LevelsSource implements ConflatedSource {
  readonly kind = "conflated";
  readonly #deps: PushChannelsDeps;
  readonly #series: SeriesStore;
  readonly #sessionName: string | undefined;
  readonly #track: (open: boolean) => void;
  #pinned: Session | undefined;
  #last: ConflatedState | undefined;
  #loading = false;
  /** When a load has failed: it is tried again a minute later. */
  #failedAt: number | undefined;

  constructor(
    deps: PushChannelsDeps,
    series: SeriesStore,
    sessionName: string | undefined,
    track: (open: boolean) => void,
  ) {
    this.#deps = deps;
    this.#series = series;
    this.#sessionName = sessionName;
    this.#track = track;
  }

  async open(): Promise<void> {
    this.#track(true);
    const session = this.#session();
    this.#pin(session);
    await this.#deps.levels.load(this.#series, session);
  }

  current(): ConflatedState {
    const { levels, live } = this.#deps;
    const session = this.#session();
    // What comes after this is told an interval later: trades that are here already need not wait for that.
    live.catchUp(this.#series.seriesId);
    if (session.name !== this.#pinned?.name) this.#pin(session);
    const known = this.#series.canFold(session.previous) && this.#series.canFold(session.range);
    // A session began, or a correction reached one that was not in memory: until it is, the last state stands.
    if (!known) this.#load(session);
    if (!known && this.#last !== undefined) return this.#last;
    if (!known)
      throw new OperationFailure("transient", `${this.#series.symbol} ${session.name} is being loaded`);
    const set = levels.read(this.#series, session);
    // Many minutes changed at once, a day of candles say: what they prove is told once it is worked out.
    if (levels.isPending(this.#series, session)) this.#load(session);
    const backfill = levels.backfillOf(this.#series.symbol, session);
    this.#last = { revision: this.#series.revision, fields: levelSetToWire(set, backfill) };
    return this.#last;
  }

  close(): void {
    this.#track(false);
    this.#release();
  }

  /** A session that was named stays; which one that is was asked when the channel was resolved. */
  #session(): Session {
    const { levels } = this.#deps;
    return levels.sessionNamed(this.#sessionName) ?? levels.currentSession();
  }

  #load(session: Session): void {
    const { levels, onError, hub } = this.#deps;
    if (this.#loading || this.#failedAt === levels.expectedEnd()) return;
    this.#loading = true;
    levels
      .load(this.#series, session)
      .then(() => hub().touch(this.#channelName()))
      .catch((thrown) => {
        this.#failedAt = levels.expectedEnd();
        onError(thrown, `loading ${this.#series.symbol} ${session.name}`);
      })
      .finally(() => {
        this.#loading = false;
      });
  }

  #pin(session: Session): void {
    this.#release();
    this.#pinned = session;
    for (const day of daysRead(session)) this.#series.pin(day);
    this.#series.finished.pin(session.previous);
  }

  #release(): void {
    if (this.#pinned === undefined) return;
    for (const day of daysRead(this.#pinned)) this.#series.release(day);
    this.#series.finished.release(this.#pinned.previous);
    this.#pinned = undefined;
  }

  #channelName(): string {
    const { venue, symbol } = this.#series.instrument;
    return formatChannel({
      kind: "levels",
      venue,
      symbol,
      ...(this.#sessionName === undefined ? {} : { session: this.#sessionName }),
    });
  }
}
