/** What a source of a series does beside telling its state: the channel it stands for, seen from within. */
export interface ChannelSight {
  /** Somebody listens from now on: changes of the series are told to the channel. */
  open(): void;
  close(): void;
  /** The state has changed beside the series, or a load has ended. */
  touch(): void;
  /** Takes in live trades that are here already. */
  catchUp(): void;
}
