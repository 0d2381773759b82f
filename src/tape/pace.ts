/** How long a loop may hold the event loop before it lets others in, ms. */
const SLICE_MS = 3;

/** Lets timers, sockets and other work that waits for the event loop have their turn. */
export type GiveWay = () => Promise<void>;

/** Lets a long loop give way: look at `due` every few thousand rows, and `rest()` when it is. */
export class Pace {
  readonly #giveWay: GiveWay;
  #since = performance.now();

  constructor(giveWay: GiveWay) {
    this.#giveWay = giveWay;
  }

  /** True when the slice is used up and `rest()` is due. */
  get due(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Lets timers and sockets run, then begins a new slice. */
  async rest(): Promise<void> {
    await this.#giveWay();
    this.#since = performance.now();
  }
}
