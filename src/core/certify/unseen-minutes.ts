import { lowestPassing } from "./lowest-passing.ts";
import type { UnseenMinute } from "./unseen-minute.ts";

/** Unseen minutes, ascending, and which of them touch a bin: asked of some thousand minutes with every change. */
export class UnseenMinutes {
  readonly #minutes: UnseenMinute[] = [];
  /** Of each minute beside it: to look through a thousand objects takes ten times as long. */
  readonly #firstBins: number[] = [];
  readonly #lastBins: number[] = [];

  /** A view that holds until the next change. */
  get all(): readonly UnseenMinute[] {
    return this.#minutes;
  }

  /** Takes in a minute that is not among them. */
  add(unseen: UnseenMinute): void {
    const at = this.#placeOf(unseen.minute);
    this.#minutes.splice(at, 0, unseen);
    this.#firstBins.splice(at, 0, unseen.firstBin);
    this.#lastBins.splice(at, 0, unseen.lastBin);
  }

  /** Takes out a minute that is among them. */
  remove({ minute }: UnseenMinute): void {
    const at = this.#placeOf(minute);
    this.#minutes.splice(at, 1);
    this.#firstBins.splice(at, 1);
    this.#lastBins.splice(at, 1);
  }

  touching(bin: number): UnseenMinute[] {
    const found: UnseenMinute[] = [];
    for (let i = 0; i < this.#minutes.length; i++)
      if (this.#firstBins[i]! <= bin && this.#lastBins[i]! >= bin) found.push(this.#minutes[i]!);
    return found;
  }

  #placeOf(minute: number): number {
    return lowestPassing(this.#minutes.length, (i) => this.#minutes[i]!.minute >= minute);
  }
}
