/** Rows of a profile that hold volume: bin numbers ascending, volumes beside them, size units. */
export interface ProfileRows {
  readonly bins: Float64Array;
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
}

/** {@link ProfileRows} in 9 bytes a row. */
export interface SteppedRows {
  readonly firstBin: number;
  /** From one bin to the next; 0 for the first one. */
  readonly steps: Uint8Array;
  /** Of each row its volume and its buy volume, in turns. */
  readonly volumes: Uint32Array;
}
