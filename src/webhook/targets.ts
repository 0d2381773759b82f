import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type AddressRule, publicAddressRule } from "./addresses.ts";

/** Names that mean this machine or its own network, whatever DNS says. */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa|intranet|lan)$/i;

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolve = (hostname: string) => Promise<readonly Address[]>;

export interface TargetOptions {
  /** Whether private targets and plain http are let through. */
  readonly allowPrivate: boolean;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve | undefined;
}

export type CheckedTarget =
  /** Where to connect to: nowhere else, whatever the name says a moment later. */
  | { readonly kind: "ok"; readonly url: URL; readonly addresses: readonly Address[] }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unresolved"; readonly reason: string };

/** Decides where webhooks may be sent: public addresses over https, unless private ones are allowed. */
export class WebhookTargets {
  readonly #allowPrivate: boolean;
  readonly #resolve: Resolve;
  readonly #refusal: AddressRule;

  constructor({ allowPrivate, resolve = systemResolve }: TargetOptions) {
    this.#allowPrivate = allowPrivate;
    this.#resolve = resolve;
    this.#refusal = publicAddressRule();
  }

  /** Checks a target by its URL and by every address that its name has now. One bad address refuses all of them. */
  async check(text: string): Promise<CheckedTarget> {
    const url = URL.parse(text);
    const reason = this.#refusedByUrl(url);
    if (url === null || reason !== undefined) return { kind: "refused", reason: reason ?? "it is no URL" };
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses =
      isIP(host) === 0 ? await this.#lookUp(host) : [{ address: host, family: familyOf(host) }];
    if ("kind" in addresses) return addresses;
    for (const { address } of addresses) {
      const why = this.#allowPrivate ? undefined : this.#refusal(address);
      if (why !== undefined)
        return {
          kind: "refused",
          reason: `${url.hostname} is at ${address}, which is not a public address (${why})`,
        };
    }
    return { kind: "ok", url, addresses };
  }

  #refusedByUrl(url: URL | null): string | undefined {
    if (url === null) return "it is no URL";
    if (url.protocol !== "https:" && url.protocol !== "http:")
      return `it begins with ${url.protocol}, not https:`;
    if (url.username !== "" || url.password !== "") return "it holds a user name or password";
    if (this.#allowPrivate) return undefined;
    if (url.protocol !== "https:") return "it is not https";
    if (LOCAL_NAME.test(url.hostname.replace(/\.$/, "")))
      return `${url.hostname} names a machine of this network`;
    return undefined;
  }

  async #lookUp(host: string): Promise<readonly Address[] | Exclude<CheckedTarget, { kind: "ok" }>> {
    try {
      const addresses = await this.#resolve(host);
      return addresses.length > 0 ? [...addresses] : { kind: "unresolved", reason: `${host} has no address` };
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return { kind: "unresolved", reason: `${host} could not be resolved: ${why}` };
    }
  }
}

async function systemResolve(hostname: string): Promise<Address[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => ({ address, family: familyOf(address) }));
}

function familyOf(address: string): 4 | 6 {
  return isIP(address) === 6 ? 6 : 4;
}
