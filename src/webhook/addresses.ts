import { BlockList, isIP } from "node:net";

/** Networks that no webhook may reach, and why: IANA's special-purpose registries, and what clouds answer secrets at. */
const REFUSED_V4: readonly (readonly [network: string, bits: number, why: string])[] = [
  ["0.0.0.0", 8, "this network"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "carrier-grade NAT"],
  ["127.0.0.0", 8, "loopback"],
  ["168.63.129.16", 32, "cloud metadata"],
  ["169.254.0.0", 16, "link-local or cloud metadata"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "documentation"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "benchmarking"],
  ["198.51.100.0", 24, "documentation"],
  ["203.0.113.0", 24, "documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved or broadcast"],
];

/** Of IPv6, global unicast alone is reachable; these parts of it lead elsewhere, some of them into IPv4. */
const GLOBAL_V6 = ["2000::", 3] as const;
const REFUSED_V6: readonly (readonly [network: string, bits: number, why: string])[] = [
  ["2001::", 23, "protocol assignments, Teredo among them"],
  ["2001:db8::", 32, "documentation"],
  ["2002::", 16, "6to4"],
  ["3fff::", 20, "documentation"],
];

/** Why an address is not a public one; undefined for a public one. */
export type AddressRule = (address: string) => string | undefined;

/** The rule for addresses as DNS and URLs write them (IPv6 without brackets). What is no address at all is refused. */
export function publicAddressRule(): AddressRule {
  const v4 = REFUSED_V4.map(([network, bits, why]) => ({ list: listOf(network, bits, "ipv4"), why }));
  const v6 = REFUSED_V6.map(([network, bits, why]) => ({ list: listOf(network, bits, "ipv6"), why }));
  const global = listOf(...GLOBAL_V6, "ipv6");
  return (address) => {
    switch (isIP(address)) {
      case 4:
        return v4.find(({ list }) => list.check(address, "ipv4"))?.why;
      case 6:
        // An IPv4 address in IPv6's clothes would be judged as IPv4 by the list.
        if (/^(?:0*:)*:?(?:0*:)*ffff:/i.test(address)) return "IPv4 written as IPv6";
        if (!global.check(address, "ipv6")) return "not global";
        return v6.find(({ list }) => list.check(address, "ipv6"))?.why;
      default:
        return "no IP address";
    }
  };
}

function listOf(network: string, bits: number, family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list;
}
