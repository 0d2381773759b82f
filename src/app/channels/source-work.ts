export interface SourceWorkOptions {
  /** Minutes before this one are expected to be known. It grows, and what has failed may be tried again then. */
  readonly expectedEnd: () => number;
  readonly onError: (error: unknown, doing: string) => void;
}

/** What a source has to do before it can tell more: one thing at a time. What fails is tried again a minute later. */
export class SourceWork {
  readonly #options: SourceWorkOptions;
  #running: Promise<void> | undefined;
  #failedAt: number | undefined;

  constructor(options: SourceWorkOptions) {
    this.#options = options;
  }

  /** Ends with the work that runs now, failed or not; undefined where none does. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Whether work may begin: none runs, and none has failed within this minute. */
  get free(): boolean {
    return this.#running === undefined && this.#failedAt !== this.#options.expectedEnd();
  }

  /** Begins what there is to do, if it may; `doing` says what that was when it has failed. */
  begin(doing: string, work: () => Promise<void>): void {
    if (!this.free) return;
    const { expectedEnd, onError } = this.#options;
    this.#running = work()
      .catch((thrown) => {
        this.#failedAt = expectedEnd();
        onError(thrown, doing);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }
}
