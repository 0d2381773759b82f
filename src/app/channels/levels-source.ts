import { OperationFailure, type Session } from "../../core/mod.ts";
import { levelSetToWire } from "../../protocol/mod.ts";
import type { ConflatedSource, ConflatedState } from "../../push/mod.ts";
import { daysRead, type SeriesStore } from "../../store/mod.ts";
import type { LevelService } from "../level-service.ts";
import type { ChannelSight } from "./channel-sight.ts";
import { SourceWork } from "./source-work.ts";

export interface LevelsSourceDeps {
  readonly levels: Pick<
    LevelService,
    "sessionNamed" | "currentSession" | "expectedEnd" | "load" | "read" | "isPending" | "backfillOf"
  >;
  readonly onError: (error: unknown, doing: string) => void;
}

/** The level set of a symbol: of the running session, which rolls when the next one begins, or of a named one. */
export class LevelsSource implements ConflatedSource {
  readonly kind = "conflated";
  readonly #deps: LevelsSourceDeps;
  readonly #series: SeriesStore;
  readonly #sessionName: string | undefined;
  readonly #sight: ChannelSight;
  readonly #work: SourceWork;
  #pinned: Session | undefined;
  #last: ConflatedState | undefined;

  constructor(
    deps: LevelsSourceDeps,
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
    const session = this.#session();
    this.#pin(session);
    await this.#deps.levels.load(this.#series, session);
  }

  current(): ConflatedState {
    const { levels } = this.#deps;
    const session = this.#session();
    // What comes after this is told an interval later: trades that are here already need not wait for that.
    this.#sight.catchUp();
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
    this.#sight.close();
    this.#release();
  }

  /** A session that was named stays; which one that is was asked when the channel was resolved. */
  #session(): Session {
    const { levels } = this.#deps;
    return levels.sessionNamed(this.#sessionName) ?? levels.currentSession();
  }

  #load(session: Session): void {
    this.#work.begin(`loading ${this.#series.symbol} ${session.name}`, async () => {
      await this.#deps.levels.load(this.#series, session);
      this.#sight.touch();
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
}
