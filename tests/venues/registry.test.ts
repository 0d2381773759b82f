import { expect, test } from "bun:test";
import { Binance, VenueRegistry } from "../../src/venues/mod.ts";
import { machineClock } from "./support/manual-clock.ts";

test("VenueRegistry finds venues by name, and refuses two of one name", () => {
  const binance = new Binance({ clock: machineClock });
  const registry = new VenueRegistry([binance]);
  expect(registry.find("binance")).toBe(binance);
  expect(registry.find("bybit")).toBeUndefined();
  expect(registry.names).toEqual(["binance"]);
  expect(() => new VenueRegistry([binance, binance])).toThrow("same name");
});
