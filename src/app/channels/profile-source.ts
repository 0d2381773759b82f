import { OperationFailure, type Session, type ValueAreaMethod } from "../../core/mod.ts";
import { PROFILE_BINS_MAX } from "../../protocol/mod.ts";
import type { ConflatedSource, ConflatedState } from "../../push/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";
import { type BarMeans, barMoment } from "../bar-service.ts";
import type { LevelService } from "../level-service.ts";
import type { ChannelSight } from "./channel-sight.ts";
import { HeldProfile } from "./held-profile.ts";
import { SourceWork } from "./source-work.ts";

/** Minutes that one look at the state takes in: more than live trades ever change between two. Others are taken in by turns. */
const MINUTES_PER_LOOK = 30;
/** Minutes taken in, in one turn: 2 ms of the busiest market. */
const MINUTES_PER_TURN = 60;
/** Bins of a new profile that are told in one turn: 1 ms. */
const BINS_PER_TURN = 4_096;
/** Pages that a new listener may have to wait for, 0.3 ms each; more of them are written by turns before somebody comes. */
const STALE_PAGES_MAX = 8;
const PAGES_PER_TURN = 4;

export interface ProfileSourceDeps {
  readonly bars: BarMeans;
  readonly method: ValueAreaMethod;
  readonly levels: Pick<LevelService, "sessionNamed" | "currentSession" | "expectedEnd">;
  readonly onError: (error: unknown, doing: string) => void;
}

/**
 * The volume profile of a session: of the running one, which rolls when the next begins, or of a named one. What is told of a state
 * is what changed, bin by bin; all listeners share the bins and their JSON. A session that begins, a finer grid or a correction of
 * many minutes is made ready by turns, and until it is, the last state stands.
 */
export class ProfileSource implements ConflatedSource {
  readonly kind = "conflated";
  readonly #deps: ProfileSourceDeps;
  readonly #series: SeriesStore;
  readonly #sessionName: string | undefined;
  readonly #sight: ChannelSight;
  readonly #work: SourceWork;
  #held: HeldProfile | undefined;
  #last: ConflatedState | undefined;
  #readAt: number | undefined;
  #writing = false;
  #closed = false;

  constructor(
    deps: ProfileSourceDeps,
    series: SeriesStore,
    sessionName: string | undefined,
    sight: ChannelSight,
  ) {
    this.#deps = deps;
    this.#series = series;
    this.#sessionName = sessionName;
    this.#sight = sight;
    const { levels, onError } = deps;
    this.#work = new SourceWork({ expectedEnd: () => levels.expectedEnd(), onError });
  }

  async open(): Promise<void> {
    this.#sight.open();
    await this.#renew();
  }

  current(): ConflatedState {
    this.#sight.catchUp();
    const { window } = this.#held ?? {};
    const fits = this.#held?.fits === true && this.#held.session.name === this.#session().name;
    if (!fits || window === undefined || window.behind > MINUTES_PER_LOOK) this.#bringUpToDate();
    else if (this.#last === undefined || this.#readAt !== this.#series.revision) this.#read();
    if (this.#last !== undefined) return this.#last;
    throw new OperationFailure("transient", `the profile of ${this.#series.symbol} is being loaded`);
  }

  close(): void {
    this.#closed = true;
    this.#sight.close();
    this.#held?.close();
    this.#held = undefined;
  }

  #session(): Session {
    const { levels } = this.#deps;
    return levels.sessionNamed(this.#sessionName) ?? levels.currentSession();
  }

  #read(): void {
    const held = this.#held;
    if (held === undefined) return;
    const { method, bars } = this.#deps;
    held.window.step(MINUTES_PER_LOOK);
    const { revision, fields } = held.summary(method, bars.nowMs(), barMoment(bars));
    held.publish(revision);
    this.#readAt = revision;
    this.#last = { revision, fields, large: held.large };
    if (held.bins > PROFILE_BINS_MAX) this.#bringUpToDate();
    else if (held.told.stale > STALE_PAGES_MAX) this.#write(held);
  }

  /** Brings what is held up to date by turns, and tells the channel. */
  #bringUpToDate(): void {
    if (this.#closed) return;
    this.#work.begin(`loading the profile of ${this.#series.symbol}`, async () => {
      await this.#renew();
      if (this.#closed) return;
      // There is more to tell than the last revision did.
      this.#series.touch();
      this.#sight.touch();
    });
  }

  /** Makes the profile of the session ready, anew where the one that is held is not of it or has too many bins. */
  async #renew(): Promise<void> {
    const session = this.#session();
    let held = this.#held?.fits === true && this.#held.session.name === session.name ? this.#held : undefined;
    for (let coarser = held?.window.coarser ?? 1; !this.#closed; ) {
      const ready = held ?? new HeldProfile(this.#series, session, coarser);
      try {
        await this.#prepare(ready);
      } catch (thrown) {
        if (ready !== this.#held) ready.close();
        throw thrown;
      }
      const tooMany = ready.fits && ready.bins > PROFILE_BINS_MAX;
      if (this.#closed || tooMany) {
        if (ready !== this.#held) ready.close();
      } else if (ready !== this.#held) {
        this.#held?.close();
        this.#held = ready;
      }
      if (!tooMany) return;
      held = undefined;
      coarser = nextCoarser(coarser);
    }
  }

  async #prepare(held: HeldProfile): Promise<void> {
    const { loader, turns } = this.#deps.bars;
    const { window, told, session } = held;
    await loader.load(this.#series, session.range);
    while (window.behind > 0 && held.fits && !this.#closed)
      await turns.take(() => window.step(MINUTES_PER_TURN));
    // What is held already is told by the next look; of a new one nothing was.
    if (held === this.#held) return;
    const bins = window.takeTouched();
    for (let at = 0; at < bins.length && !this.#closed; at += BINS_PER_TURN)
      await turns.take(() => told.take(window.profile, bins, at, at + BINS_PER_TURN));
    while (told.stale > 0 && held.bins <= PROFILE_BINS_MAX && !this.#closed)
      await turns.take(() => told.write(PAGES_PER_TURN));
  }

  #write({ told }: HeldProfile): void {
    if (this.#writing) return;
    this.#writing = true;
    const { turns } = this.#deps.bars;
    const rest = async () => {
      while (told.stale > 0 && !this.#closed) await turns.take(() => told.write(PAGES_PER_TURN));
    };
    rest()
      .catch((thrown) => this.#deps.onError(thrown, `writing the profile of ${this.#series.symbol}`))
      .finally(() => {
        this.#writing = false;
      });
  }
}

/** 1, 2, 5, 10, 20, …: bins that a reader is used to. */
function nextCoarser(coarser: number): number {
  return String(coarser).startsWith("2") ? (coarser / 2) * 5 : coarser * 2;
}
