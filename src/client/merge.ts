/** Puts the frames of a conflated channel together. Both throw when a frame is not what such a channel carries. */
export interface Merge<T> {
  /** Takes a whole state. */
  whole(data: unknown): T;
  /** Takes what has changed since the last frame; undefined when it does not build on that. */
  changed(data: unknown): T | undefined;
}
