/**
 * Which members of a large field changed with which revision, as far back as `keysMax` changes go: what a `since` is made of in as
 * many steps as there are changes, however many members there are.
 */
export class MemberLog<Key> {
  readonly #keysMax: number;
  /** Ascending by revision. */
  readonly #entries: { readonly revision: number; readonly keys: readonly Key[] }[] = [];
  #keys = 0;
  /** Changes after this revision are all here. */
  #floor: number;

  /** `revision`: the state that the first changes build on. */
  constructor(keysMax: number, revision: number) {
    this.#keysMax = keysMax;
    this.#floor = revision;
  }

  /** These members changed with a revision, which is above those before. More than the log holds: nothing before it is known. */
  note(revision: number, keys: readonly Key[]): void {
    this.#entries.push({ revision, keys });
    this.#keys += keys.length;
    while (this.#keys > this.#keysMax) {
      const oldest = this.#entries.shift();
      if (oldest === undefined) return;
      this.#keys -= oldest.keys.length;
      this.#floor = oldest.revision;
    }
  }

  /** Members that changed after a revision, each once; undefined when that is too long ago. */
  since(revision: number): Set<Key> | undefined {
    if (revision < this.#floor) return undefined;
    const changed = new Set<Key>();
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const { revision: own, keys } = this.#entries[at]!;
      if (own <= revision) break;
      for (const key of keys) changed.add(key);
    }
    return changed;
  }
}
