/** Where a reader of a lossless channel stands: each event is told once and in order. */
export class EventPosition {
  /** Of the last event that was told, or of the one before the first; undefined while that is not known. */
  offset: number | undefined;

  /**
   * What a publication is, by its offset: the `next`, to be told now; one that was `told` already; or one behind a `hole`. Without
   * an offset it is no event, and always next.
   */
  take(offset: number | undefined): "next" | "told" | "hole" {
    if (offset === undefined || this.offset === undefined) return "next";
    if (offset <= this.offset) return "told";
    if (offset > this.offset + 1) return "hole";
    this.offset = offset;
    return "next";
  }
}
