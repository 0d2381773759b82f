import { type PushError, pushError } from "../protocol/mod.ts";

export interface LanesOptions {
  /** Answers a command with an error. */
  readonly refuse: (id: number, error: PushError) => void;
  readonly onError: (error: unknown, doing: string) => void;
}

/** A command under way: it answers an error, or has replied itself. */
export type Work = () => Promise<PushError | undefined> | PushError | undefined;

/** The commands of one connection that are under way: those of one lane in their order, those of different lanes side by side. */
export class Lanes {
  readonly #options: LanesOptions;
  /** The last command of each lane that has one under way. */
  readonly #last = new Map<string, Promise<void>>();
  #inFlight = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Never rejects: what fails is reported, and the client gets error 100, which tells it to try again. */
  async run(id: number, doing: string, work: Work): Promise<void> {
    const { refuse, onError } = this.#options;
    this.#inFlight += 1;
    try {
      const error = await work();
      if (error !== undefined) refuse(id, error);
    } catch (error) {
      onError(error, doing);
      refuse(id, pushError("internal"));
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Runs after the commands that came before it in the same lane. */
  runIn(lane: string, id: number, doing: string, work: Work): void {
    const before = this.#last.get(lane);
    const run = this.run(id, doing, async () => {
      await before;
      return work();
    });
    this.#last.set(lane, run);
    void run.then(() => {
      if (this.#last.get(lane) === run) this.#last.delete(lane);
    });
  }
}
