/** Characters of a value that a fault shows. */
const SHOWN_CHARS_MAX = 80;

export type Environment = Readonly<Record<string, string | undefined>>;

/** One variable that cannot be used. */
export interface ConfigFault {
  readonly name: string;
  readonly expected: string;
  readonly got: string;
}

interface WholeRule<Fallback> {
  readonly min: number;
  readonly max: number;
  readonly fallback: Fallback;
}

/** Reads variables one by one and remembers what is wrong with them; a faulty one answers its fallback. */
export class EnvironmentReader {
  readonly faults: ConfigFault[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The trimmed value, or undefined when it is not set. */
  get(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === undefined || value === "" ? undefined : value;
  }

  fault(name: string, expected: string, got: string): void {
    this.faults.push({ name, expected, got });
  }

  text(name: string, fallback: string): string {
    return this.get(name) ?? fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name)?.toLowerCase();
    if (value === undefined) return fallback;
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    this.fault(name, "true or false", shown(value));
    return fallback;
  }

  whole<Fallback extends number | null>(
    name: string,
    { min, max, fallback }: WholeRule<Fallback>,
  ): number | Fallback {
    const value = this.get(name);
    if (value === undefined) return fallback;
    const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    this.fault(name, `a whole number from ${min} to ${max}`, shown(value));
    return fallback;
  }

  oneOf<const Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const value = this.get(name);
    if (value === undefined) return fallback;
    const found = words.find((word) => word === value);
    if (found === undefined) this.fault(name, `one of ${words.join(", ")}`, shown(value));
    return found ?? fallback;
  }

  /** A base URL without a slash at its end; `fallback` null means that it must be set. */
  url(name: string, protocols: readonly string[], fallback: string | null): string {
    const value = this.get(name);
    const expected = `a URL that begins with ${protocols.map((p) => `${p}//`).join(" or ")}`;
    if (value === undefined) {
      if (fallback === null)
        this.fault(name, `${expected} (DATA_SOURCE=sim needs the simulator's)`, "nothing");
      return fallback ?? "";
    }
    const url = URL.parse(value);
    if (url === null || !protocols.includes(url.protocol)) this.fault(name, expected, shown(value));
    return value.replace(/\/+$/, "");
  }
}

/** A value as a fault shows it. Not for what may be secret. */
export function shown(value: string): string {
  return `"${value.length > SHOWN_CHARS_MAX ? `${value.slice(0, SHOWN_CHARS_MAX)}…` : value}"`;
}
