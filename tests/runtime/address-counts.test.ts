import { describe, expect, test } from "bun:test";
import { AddressCounts } from "../../src/runtime/address-counts.ts";

describe("AddressCounts", () => {
  test("an address is full at its limit, and has room again when one has left", () => {
    const counts = new AddressCounts({ perAddressMax: 2, perLoopbackMax: 3 });
    const leave = counts.add("203.0.113.9");
    counts.add("203.0.113.9");
    expect([counts.full("203.0.113.9"), counts.full("203.0.113.10")]).toEqual([true, false]);
    leave();
    leave();
    expect(counts.full("203.0.113.9")).toBe(false);
    counts.add("203.0.113.9");
    expect(counts.full("203.0.113.9")).toBe(true);
  });

  test("one address has one count, however it is written", () => {
    const counts = new AddressCounts({ perAddressMax: 1, perLoopbackMax: 1 });
    counts.add("::ffff:203.0.113.9");
    counts.add("2001:DB8::1");
    expect([counts.full("203.0.113.9"), counts.full("2001:db8::1")]).toEqual([true, true]);
  });

  test("this machine's own addresses have a limit of their own", () => {
    const counts = new AddressCounts({ perAddressMax: 2, perLoopbackMax: 3 });
    const own = ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"];
    expect(own.map((address) => counts.maxOf(address))).toEqual([3, 3, 3, 3]);
    expect(counts.maxOf("10.0.0.1")).toBe(2);
  });

  test("nothing is kept of addresses that have left", () => {
    const counts = new AddressCounts({ perAddressMax: 2, perLoopbackMax: 3 });
    const leaving = Array.from({ length: 100 }, (_, n) => counts.add(`10.0.0.${n}`));
    expect(counts.size).toBe(100);
    for (const leave of leaving) leave();
    expect(counts.size).toBe(0);
  });
});
