import { isLoopback } from "./loopback.ts";

export interface AddressCountsOptions {
  /** Connections of one address. */
  readonly perAddressMax: number;
  /** The same for addresses of this machine. */
  readonly perLoopbackMax: number;
}

/** IPv4 as an IPv6 socket writes it. */
const MAPPED = /^::ffff:/i;

/** Connections that are open, by the address they come from. */
export class AddressCounts {
  readonly #options: AddressCountsOptions;
  readonly #open = new Map<string, number>();

  constructor(options: AddressCountsOptions) {
    this.#options = options;
  }

  /** How many connections an address may have. */
  maxOf(address: string): number {
    const { perAddressMax, perLoopbackMax } = this.#options;
    return isLoopback(plain(address)) ? perLoopbackMax : perAddressMax;
  }

  /** Whether one more would be too many. */
  full(address: string): boolean {
    return (this.#open.get(plain(address)) ?? 0) >= this.maxOf(address);
  }

  /** One more; the answer takes it back, once. */
  add(address: string): () => void {
    const key = plain(address);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      const left = (this.#open.get(key) ?? 0) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  /** Addresses that have connections. */
  get size(): number {
    return this.#open.size;
  }
}

function plain(address: string): string {
  return address.replace(MAPPED, "").toLowerCase();
}
