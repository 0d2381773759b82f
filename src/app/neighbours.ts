import type { Database } from "../../db/mod.ts";
import {
  ChangeFeed,
  type CommittedChunk,
  type Dispatcher,
  type JobStore,
  type SegmentReader,
  type SeriesCatalog,
  type Settled,
} from "../backfill/mod.ts";
import type { Timers } from "../core/mod.ts";
import type { ProfileStore } from "../store/mod.ts";
import type { Tape } from "../tape/mod.ts";
import { Adoption } from "./adoption.ts";
import { hearNudges, saysWork } from "./nudges.ts";
import { Relay } from "./relay.ts";
import { TapeSweep } from "./tape-sweep.ts";

export interface NeighboursDeps {
  readonly database: Database;
  readonly jobs: JobStore;
  readonly tape: Tape;
  readonly store: ProfileStore;
  readonly catalog: Pick<SeriesCatalog, "openKnown">;
  readonly reader: SegmentReader;
  readonly dispatcher: Pick<Dispatcher, "nudge">;
  readonly timers: Timers;
  readonly onSettled: (settled: Settled) => void;
  readonly warn: (message: string) => void;
}

/**
 * The other processes on the same Postgres and tape, as a server sees them: their commits come in, their nudges wake our
 * chunks, and what their crashes leave is swept. On the embedded database there are none, and nothing runs.
 */
export class Neighbours {
  readonly #deps: NeighboursDeps;
  readonly #relay: Relay;
  readonly #sweep: TapeSweep;
  #deafen: () => Promise<void> = () => Promise.resolve();

  constructor(deps: NeighboursDeps) {
    const { database, jobs, tape, store, catalog, reader, timers, onSettled, warn } = deps;
    this.#deps = deps;
    const adoption = new Adoption({ jobs, reader, store });
    this.#relay = new Relay({
      feed: new ChangeFeed(database),
      store,
      catalog,
      adoption,
      timers,
      onSettled,
      warn,
    });
    this.#sweep = new TapeSweep({ jobs, tape, timers, warn });
  }

  /** Before the caller reads the database: what is committed from now on is told. */
  async begin(): Promise<void> {
    if (this.#shared) await this.#relay.begin();
  }

  async start(): Promise<void> {
    if (!this.#shared) return;
    const { database, dispatcher } = this.#deps;
    this.#relay.start();
    this.#sweep.start();
    this.#deafen = await hearNudges(database, {
      changed: (nudge) => {
        this.#relay.nudge();
        if (saysWork(nudge)) dispatcher.nudge();
      },
      connected: () => {
        this.#relay.nudge();
        dispatcher.nudge();
      },
    });
  }

  /** This process has committed a chunk, and is about to put its minutes into the store. */
  committedHere({ series, segmentIds, pieces }: CommittedChunk): void {
    if (!this.#shared) return;
    this.#relay.committedHere(
      series.id,
      segmentIds,
      pieces.map(({ range }) => range),
    );
  }

  async stop(): Promise<void> {
    await this.#deafen().catch(() => undefined);
    await this.#relay.stop();
    await this.#sweep.stop();
  }

  get #shared(): boolean {
    return this.#deps.database.kind === "postgres";
  }
}
