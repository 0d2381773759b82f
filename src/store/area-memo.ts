import type { AreaQuestion, MinuteRange, ValueArea } from "../core/mod.ts";

/** Windows and questions whose value areas are kept, together; the oldest make room. */
export const AREAS_KEPT_MAX = 32;

/** Value areas of windows as long as nothing in them changes: a finished session's is asked for with every live trade. */
export class AreaMemo {
  readonly #changesOf: (range: MinuteRange) => number;
  /** The one found longest ago first. */
  readonly #kept = new Map<string, { readonly changes: number; readonly area: ValueArea | undefined }>();

  /** `changesOf` grows with every change of what a range contributes. */
  constructor(changesOf: (range: MinuteRange) => number) {
    this.#changesOf = changesOf;
  }

  /** What `find` answered when the window was as it is now; its days must be in memory, or its fold known without them. */
  of(range: MinuteRange, question: AreaQuestion, find: () => ValueArea | undefined): ValueArea | undefined {
    const { method, share, coarser } = question;
    const key = `${range.lo}-${range.hi} ${method} ${share.part}/${share.whole} ${coarser}`;
    const changes = this.#changesOf(range);
    const kept = this.#kept.get(key);
    if (kept?.changes === changes) return kept.area;
    const area = find();
    this.#kept.delete(key);
    this.#kept.set(key, { changes, area });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= AREAS_KEPT_MAX) break;
      this.#kept.delete(oldest);
    }
    return area;
  }
}
