import { describe, expect, test } from "bun:test";
import { originAllowed } from "../../src/runtime/mod.ts";

const request = (origin?: string) =>
  new Request("http://tape.example:8080/ws", {
    headers: { host: "tape.example:8080", ...(origin === undefined ? {} : { origin }) },
  });

describe("originAllowed()", () => {
  test.each([
    [undefined, undefined, true],
    ["http://tape.example:8080", undefined, true],
    ["http://tape.example", undefined, false],
    ["https://evil.example", undefined, false],
    ["null", undefined, false],
    ["https://desk.example", ["https://desk.example"], true],
    ["https://desk.example.evil", ["https://desk.example"], false],
    ["http://tape.example:8080", ["https://desk.example"], true],
    ["https://evil.example", ["*"], true],
  ] as const)("origin %p with list %p is %p", (origin, list, allowed) => {
    expect(originAllowed(request(origin), list)).toBe(allowed);
  });
});
