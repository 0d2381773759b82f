import { expect, test } from "bun:test";
import { importsOf } from "./imports.ts";
import { lineOf, readSource } from "./source-text.ts";

const words = (text: string): string[] => [...(readSource(text).code.match(/\w+/g) ?? [])];

test("readSource(), blanks comments and strings and keeps positions", () => {
  const text = "const a = \"x y\"; // tail\n/* block\n b */ const c = 'z';\n";
  const { code, strings } = readSource(text);
  expect(words(text)).toEqual(["const", "a", "const", "c"]);
  expect(code.length).toBe(text.length);
  expect(code.indexOf("const c")).toBe(text.indexOf("const c"));
  expect(strings.get(text.indexOf('"'))?.value).toBe("x y");
});

test("readSource(), reads the code inside templates, nested ones too", () => {
  expect(words("`no $" + "{yes({ a: `no $" + "{deep} no` })} no` + after")).toEqual([
    "yes",
    "a",
    "deep",
    "after",
  ]);
});

test("readSource(), tells a regular expression from a division", () => {
  expect(words('const r = /no[/]"no/.test(x); y = a / b / c; return /no/;')).toEqual(
    "const r test x y a b c return".split(" "),
  );
  expect(words("if (x) y = (a) / 2; // 'tail")).toEqual(["if", "x", "y", "a", "2"]);
});

test("readSource(), is not misled by escaped quotes", () => {
  expect(words('a("\\"no"); b(\'\\\\\'); c(`\\`no`)')).toEqual(["a", "b", "c"]);
});

test("readSource(), keeps positions with letters beyond the basic plane", () => {
  const text = '"𝛼𝛽"; // 𝛾\nx';
  expect(readSource(text).code.length).toBe(text.length);
  expect(readSource(text).code.at(-1)).toBe("x");
});

test("lineOf(), counts from 1", () => {
  expect([0, 1, 2, 3].map((at) => lineOf("a\nb\n", at))).toEqual([1, 1, 2, 2]);
});

test("importsOf(), finds every way to name a module, with its line", () => {
  const text = [
    'import a from "./a.ts";',
    'import b, { type B } from "./b.ts";',
    'import * as c from "./c.ts";',
    'import type { D } from "./d.ts";',
    "import {",
    "  type E,",
    "  type F,",
    '} from "./e.ts";',
    'import "./f.ts";',
    'export * from "./g.ts";',
    'export type { H } from "./h.ts";',
    'const i = await import("./i.ts");',
    'new Worker(new URL("./j.ts", import.meta.url));',
    'const page = new URL("./page.html", import.meta.url);',
    '// import k from "./k.ts"',
    "const text = 'import l from \"./l.ts\"';",
    'type M = import("./m.ts").M;',
  ].join("\n");
  expect(importsOf(text).map((s) => [s.specifier, s.line, s.kind, s.typeOnly])).toEqual([
    ["./a.ts", 1, "static", false],
    ["./b.ts", 2, "static", false],
    ["./c.ts", 3, "static", false],
    ["./d.ts", 4, "static", true],
    ["./e.ts", 8, "static", true],
    ["./f.ts", 9, "static", false],
    ["./g.ts", 10, "static", false],
    ["./h.ts", 11, "static", true],
    ["./i.ts", 12, "dynamic", false],
    ["./j.ts", 13, "url", false],
    ["./m.ts", 17, "dynamic", false],
  ]);
});
