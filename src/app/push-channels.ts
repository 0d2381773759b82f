import { BACKFILL_CHANNEL, type JobEvent, type JobStore, jobChannel, type Settled } from "../backfill/mod.ts";
import type { Session } from "../core/mod.ts";
import type { BackfillFace } from "../http/mod.ts";
import { type Channel, formatChannel, jobToWire, levelSetToWire } from "../protocol/mod.ts";
import type {
  ConflatedSource,
  ConflatedState,
  LosslessSource,
  PushHub,
  Resolution,
  StreamPosition,
} from "../push/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import { daysRead, type LevelService } from "./level-service.ts";

export interface PushChannelsDeps {
  readonly jobs: JobStore;
  readonly store: ProfileStore;
  readonly levels: LevelService;
  readonly backfill: Pick<BackfillFace, "job">;
  readonly hub: () => PushHub;
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
      case "levels": {
        const name = `${channel.venue}:${channel.symbol}`;
        const series = this.#deps.store.bySymbol(name);
        if (series === undefined && this.#deps.followed.includes(name))
          return { kind: "later", message: `the venue has not said yet what ${name} trades in` };
        if (series === undefined)
          return { kind: "unknown", message: `${name} is not followed here and was never backfilled` };
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

/** The level set of a symbol: of the running session, which rolls at midnight, or of a named one. */
class LevelsSource implements ConflatedSource {
  readonly kind = "conflated";
  readonly #deps: PushChannelsDeps;
  readonly #series: SeriesStore;
  readonly #sessionName: string | undefined;
  readonly #track: (open: boolean) => void;
  #pinned: Session | undefined;
  #last: ConflatedState | undefined;

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
    await this.#pin(this.#deps.levels.sessionNamed(this.#sessionName));
  }

  current(): ConflatedState {
    const { levels, onError } = this.#deps;
    const session = levels.sessionNamed(this.#sessionName);
    if (session.name !== this.#pinned?.name) {
      // Midnight: yesterday is in memory already, today begins empty. Until both are, the last state stands.
      this.#pin(session)
        .then(() => this.#deps.hub().touch(this.#channelName()))
        .catch((thrown) => onError(thrown, `loading ${this.#series.symbol} ${session.name}`));
    }
    if (
      this.#last !== undefined &&
      this.#series.absentDays({ lo: session.previous.lo, hi: session.range.hi }).length > 0
    )
      return this.#last;
    const set = levels.read(this.#series, session);
    const backfill = levels.backfillOf(this.#series.symbol, session);
    this.#last = { revision: this.#series.revision, fields: levelSetToWire(set, backfill) };
    return this.#last;
  }

  close(): void {
    this.#track(false);
    this.#release();
  }

  async #pin(session: Session): Promise<void> {
    this.#release();
    this.#pinned = session;
    for (const day of daysRead(session)) this.#series.pin(day);
    await this.#deps.levels.load(this.#series, session);
  }

  #release(): void {
    if (this.#pinned !== undefined) for (const day of daysRead(this.#pinned)) this.#series.release(day);
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
