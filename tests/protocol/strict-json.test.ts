import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { JSON_DEPTH_MAX, parseStrictJson } from "../../src/protocol/mod.ts";

const reasonOf = (text: string) => {
  const parsed = parseStrictJson(text);
  return parsed.kind === "malformed" ? parsed.finding : undefined;
};
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("parseStrictJson()", () => {
  test("gives what JSON.parse gives, for every value written once", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(parseStrictJson(text)).toEqual({ kind: "json", value: JSON.parse(text) });
      }),
    );
  });

  test("refuses a name that stands twice in one object, wherever, however it is spelled", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 12 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
        fc.boolean(),
        fc.nat(3),
        (name, others, escaped, depth) => {
          const rest = Object.entries(others)
            .filter(([key]) => key !== name)
            .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`)
            .join("");
          const second = escaped ? asEscapes(name) : JSON.stringify(name);
          const text = `${'{"a":['.repeat(depth)}{${JSON.stringify(name)}:1,${rest}${second} : 2}${"]}".repeat(depth)}`;
          expect(JSON.parse(text)).toBeDefined();
          expect(reasonOf(text)).toContain("twice in one object");
        },
      ),
    );
  });

  test("takes the same name in different objects, and names that stand as values", () => {
    const text = '{"a":{"a":["a","a",{"a":1},{"a":"a"}]},"b":"{\\"a\\":1,\\"a\\":2}"}';
    expect(parseStrictJson(text)).toEqual({ kind: "json", value: JSON.parse(text) });
  });

  test("refuses what is nested too deep, and lives through what is nested far too deep", () => {
    expect(reasonOf(nested(JSON_DEPTH_MAX))).toBeUndefined();
    expect(reasonOf(nested(JSON_DEPTH_MAX + 1))).toContain("more than 32 deep");
    expect(reasonOf(nested(200_000))).toBeDefined();
    expect(reasonOf("[".repeat(200_000))).toBeDefined();
  });

  test("refuses everything that is no JSON", () => {
    for (const text of [
      "",
      " ",
      "{",
      '{"a":1',
      "{'a':1}",
      "NaN",
      '"\u0001"',
      "[1,]",
      '{"a":1}}',
      "\u{feff}{}",
    ])
      expect(reasonOf(text)).toBeDefined();
  });
});

/** The same name with every character written as an escape. */
function asEscapes(name: string): string {
  const units = Array.from({ length: name.length }, (_, at) => name.charCodeAt(at));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}
