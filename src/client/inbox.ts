/** Rules of one {@link Inbox}. */
export interface InboxOptions<T> {
  /** Puts a value to those that wait to be taken. What it throws ends the iteration, after those. */
  readonly place: (waiting: T[], value: T) => void;
  /** Ends the iteration with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when nothing more is wanted, whoever ended it. */
  readonly onEnd: () => void;
}

type Ending = { readonly kind: "done" } | { readonly kind: "error"; readonly error: unknown };

/** What one consumer has not taken yet, as an async iterator that ends at once when its consumer leaves. */
export class Inbox<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: InboxOptions<T>;
  readonly #waiting: T[] = [];
  readonly #takers: {
    readonly resolve: (result: IteratorResult<T, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  readonly #onAbort = () => this.#abort();
  #ending: Ending | undefined;

  constructor(options: InboxOptions<T>) {
    this.#options = options;
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
  }

  put(value: T): void {
    if (this.#ending !== undefined) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve({ done: false, value });
      return;
    }
    try {
      this.#options.place(this.#waiting, value);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Ends after what waits. */
  end(): void {
    this.#finish({ kind: "done" });
  }

  /** Ends in an error, after what waits. */
  fail(error: unknown): void {
    this.#finish({ kind: "error", error });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    const ending = this.#ending;
    if (ending === undefined)
      return new Promise((resolve, reject) => {
        this.#takers.push({ resolve, reject });
      });
    if (ending.kind === "done") return Promise.resolve({ done: true, value: undefined });
    // An error is told once, as the language has it.
    this.#ending = { kind: "done" };
    return Promise.reject(ending.error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#waiting.length = 0;
    this.end();
    this.#ending = { kind: "done" };
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #abort(): void {
    this.#waiting.length = 0;
    this.fail(this.#options.signal?.reason);
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.onEnd();
    const [first, ...rest] = this.#takers.splice(0);
    if (first !== undefined) {
      if (ending.kind === "error") {
        this.#ending = { kind: "done" };
        first.reject(ending.error);
      } else first.resolve({ done: true, value: undefined });
    }
    for (const taker of rest) taker.resolve({ done: true, value: undefined });
  }
}
