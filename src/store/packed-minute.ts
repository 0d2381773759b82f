import { contributionRows, type MinuteContribution, type Profile } from "../core/mod.ts";

type Steps = Uint8Array | Uint16Array | Float64Array;
type Volumes = Uint32Array | Float64Array;

/**
 * A contribution in 9 bytes a bin instead of 24: of the bins the steps from one to the next, which mostly fit a byte, and volumes in
 * 32 bits where they fit, else in doubles. Never changed.
 *
 * `bins`, `binVolumes` and `binBuyVolumes` are unpacked each time they are read: read them once. They are not copied by a spread.
 */
export class PackedMinute implements MinuteContribution {
  readonly minute: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly buyVolume: number;
  readonly quoteVolume: bigint;
  readonly squareVolume: bigint;
  readonly count: number;
  readonly rawCount: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly firstTimeUs: number;
  readonly lastTimeUs: number;
  readonly #firstBin: number;
  /** From the bin before, 0 for the first one. */
  readonly #steps: Steps;
  /** Of each bin its volume and its buy volume, in turns. */
  readonly #volumes: Volumes;

  constructor(from: MinuteContribution) {
    this.minute = from.minute;
    this.open = from.open;
    this.high = from.high;
    this.low = from.low;
    this.close = from.close;
    this.volume = from.volume;
    this.buyVolume = from.buyVolume;
    this.quoteVolume = from.quoteVolume;
    this.squareVolume = from.squareVolume;
    this.count = from.count;
    this.rawCount = from.rawCount;
    this.firstId = from.firstId;
    this.lastId = from.lastId;
    this.firstTimeUs = from.firstTimeUs;
    this.lastTimeUs = from.lastTimeUs;
    this.#firstBin = from.bins[0] ?? 0;
    this.#steps = stepsOf(from.bins);
    this.#volumes = inTurns(from.binVolumes, from.binBuyVolumes);
  }

  get bins(): Float64Array {
    const bins = new Float64Array(this.#steps);
    let bin = this.#firstBin;
    for (let i = 0; i < bins.length; i++) {
      bin += bins[i]!;
      bins[i] = bin;
    }
    return bins;
  }

  get binVolumes(): Float64Array {
    return everySecond(this.#volumes, 0);
  }

  get binBuyVolumes(): Float64Array {
    return everySecond(this.#volumes, 1);
  }

  addTo(profile: Profile): void {
    const steps = this.#steps;
    const volumes = this.#volumes;
    if (steps instanceof Uint8Array && volumes instanceof Uint32Array)
      profile.addStepped({ firstBin: this.#firstBin, steps, volumes });
    else profile.add(contributionRows(this));
  }

  subtractFrom(profile: Profile): void {
    const steps = this.#steps;
    const volumes = this.#volumes;
    if (steps instanceof Uint8Array && volumes instanceof Uint32Array)
      profile.subtractStepped({ firstBin: this.#firstBin, steps, volumes });
    else profile.subtract(contributionRows(this));
  }
}

/** In the narrowest type that holds each of them. */
function stepsOf(bins: Float64Array): Steps {
  let greatest = 0;
  for (let i = 1; i < bins.length; i++) greatest = Math.max(greatest, bins[i]! - bins[i - 1]!);
  const steps =
    greatest < 2 ** 8
      ? new Uint8Array(bins.length)
      : greatest < 2 ** 16
        ? new Uint16Array(bins.length)
        : new Float64Array(bins.length);
  for (let i = 1; i < bins.length; i++) steps[i] = bins[i]! - bins[i - 1]!;
  return steps;
}

/** Two columns of integers ≥ 0; of the second none is greater than the first. */
function inTurns(volumes: Float64Array, buyVolumes: Float64Array): Volumes {
  let greatest = 0;
  for (let i = 0; i < volumes.length; i++) if (volumes[i]! > greatest) greatest = volumes[i]!;
  const both =
    greatest < 2 ** 32 ? new Uint32Array(2 * volumes.length) : new Float64Array(2 * volumes.length);
  for (let i = 0; i < volumes.length; i++) {
    both[2 * i] = volumes[i]!;
    both[2 * i + 1] = buyVolumes[i]!;
  }
  return both;
}

function everySecond(both: Volumes, from: 0 | 1): Float64Array {
  const column = new Float64Array(both.length / 2);
  for (let i = 0; i < column.length; i++) column[i] = both[2 * i + from]!;
  return column;
}
