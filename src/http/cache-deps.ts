import type { CacheChecked, CacheCleaned, CacheFacts, CachePlace } from "../protocol/mod.ts";
import type { CallOptions, Unavailable } from "./calls.ts";

/** What is kept on the disk. */
export interface CacheFace {
  stats(options: CallOptions): Promise<CacheFacts | Unavailable>;
  /** Proves some files, from a place on; answers where to go on. */
  verify(after: CachePlace | undefined, options: CallOptions): Promise<CacheChecked | Unavailable>;
  /** Removes what can be made anew and what nobody lists. */
  clean(options: CallOptions): Promise<CacheCleaned | Unavailable>;
}
