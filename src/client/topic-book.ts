/** The topics that somebody follows, by channel. */
export class TopicBook<T> {
  readonly #topics = new Map<string, T>();
  readonly #make: (name: string, forget: () => void) => T;

  constructor(make: (name: string, forget: () => void) => T) {
    this.#make = make;
  }

  /** The topic of a channel, for somebody who follows it at once. */
  of(name: string): T {
    const found = this.#topics.get(name);
    if (found !== undefined) return found;
    const made = this.#make(name, () => {
      if (this.#topics.get(name) === made) this.#topics.delete(name);
    });
    this.#topics.set(name, made);
    return made;
  }

  find(name: string): T | undefined {
    return this.#topics.get(name);
  }
}
