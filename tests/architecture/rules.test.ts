import { describe, expect, test } from "bun:test";
import { checkHouse, formatBreaches } from "./rules.ts";
import { LINES_MAX } from "./table.ts";

/** A small house without a fault; each test breaks it in one place. */
const SOUND: Readonly<Record<string, string>> = {
  "package.json": '{"scripts":{"start":"bun scripts/serve.ts"}}',
  "scripts/serve.ts": 'import { app } from "../src/app.ts";\napp(process.env);\n',
  "src/app.ts":
    'import { config } from "./config.ts";\nimport "./http/mod.ts";\nexport const app = config;\n',
  "src/config.ts": "export const config = (env: unknown) => ({ env });\n",
  "src/core/mod.ts": 'export * from "./price.ts";\n',
  "src/core/price.ts": "export const price = (ms: number) => new Date(ms);\n",
  "src/http/mod.ts": 'import { price } from "../core/mod.ts";\nexport const route = price;\n',
  "src/store/mod.ts": 'export type { Price } from "../core/mod.ts";\n',
  "src/venues/venue.ts": "export interface Venue {}\n",
  "src/venues/mod.ts": 'export * from "./binance/mod.ts";\nexport * from "./venue.ts";\n',
  "src/venues/binance/mod.ts": 'import type { Venue } from "../venue.ts";\nexport type Binance = Venue;\n',
  "src/runtime/mod.ts": "export const serve = () => Bun.serve({ fetch: () => new Response() });\n",
  "db/mod.ts": "export const open = () => 1;\n",
  "src/backfill/mod.ts": 'export { open } from "../../db/mod.ts";\n',
  "tests/core/price.test.ts": 'test.skipIf(true)("x", () => {});\n',
};

function breachesOf(changes: Readonly<Record<string, string>>): string {
  return formatBreaches(checkHouse(new Map(Object.entries({ ...SOUND, ...changes }))));
}

test("checkHouse(), finds nothing in a sound tree", () => {
  expect(breachesOf({})).toBe("");
});

describe("checkHouse(), fails on", () => {
  const cases: readonly (readonly [
    name: string,
    changes: Record<string, string>,
    found: readonly string[],
  ])[] = [
    [
      "an import against the table",
      { "src/store/mod.ts": '\nimport { route } from "../http/mod.ts";\nexport const s = route;\n' },
      ["src/store/mod.ts:2: store may not import http (src/http/mod.ts) [table]"],
    ],
    [
      "a type import against the table",
      { "src/core/price.ts": 'import type { open } from "../../db/mod.ts";\nexport type P = typeof open;\n' },
      ["src/core/price.ts:1: core may not import db (db/mod.ts) [table]"],
    ],
    [
      "a worker in another folder",
      {
        "src/store/mod.ts":
          'export const w = () => new Worker(new URL("../runtime/mod.ts", import.meta.url));\n',
      },
      ["src/store/mod.ts:1: store may not import runtime (src/runtime/mod.ts) [table]"],
    ],
    [
      "a dynamic import against the table",
      { "src/core/price.ts": 'export const later = () => import("../runtime/mod.ts");\n' },
      ["src/core/price.ts:1: core may not import runtime (src/runtime/mod.ts) [table]"],
    ],
    [
      "a venue that imports another",
      {
        "src/venues/bybit/mod.ts": 'export type { Binance } from "../binance/mod.ts";\n',
      },
      [
        "src/venues/bybit/mod.ts:1: venues/bybit may not import venues/binance (src/venues/binance/mod.ts) [table]",
      ],
    ],
    [
      "a folder without a row",
      { "src/misc/mod.ts": 'export * from "../core/mod.ts";\n' },
      ["src/misc/mod.ts:1: folder misc has no row in the import table [table]"],
    ],
    [
      "code of src in db",
      { "db/mod.ts": 'import { price } from "../src/core/mod.ts";\nexport const open = price;\n' },
      ['db/mod.ts:1: db takes only types from core: write "import type" [table]'],
    ],
    [
      "another folder entered by its back door",
      { "src/http/mod.ts": 'import { price } from "../core/price.ts";\nexport const route = price;\n' },
      ["src/http/mod.ts:1: core is entered through its mod.ts, not src/core/price.ts [face]"],
    ],
    [
      "a venue entered by its back door",
      {
        "src/venues/mod.ts": 'export * from "./binance/urls.ts";\n',
        "src/venues/binance/urls.ts": 'import type { Venue } from "../venue.ts";\nexport type U = Venue;\n',
      },
      [
        "src/venues/mod.ts:1: venues/binance is entered through its mod.ts, not src/venues/binance/urls.ts [face]",
      ],
    ],
    [
      "a cycle",
      {
        "src/core/price.ts": 'import type { Bin } from "./bin.ts";\nexport type Price = Bin;\n',
        "src/core/bin.ts": '\nimport type { Price } from "./price.ts";\nexport type Bin = Price;\n',
      },
      ["src/core/bin.ts:2: import cycle: src/core/price.ts → src/core/bin.ts → src/core/price.ts [cycle]"],
    ],
    [
      "a specifier without extension",
      { "src/store/mod.ts": 'export type { Price } from "../core/mod";\n' },
      ['src/store/mod.ts:1: "../core/mod" lacks its extension, .ts [extension]'],
    ],
    [
      "a specifier that names nothing",
      { "src/store/mod.ts": 'export type { Price } from "../core/gone.ts";\n' },
      ['src/store/mod.ts:1: "../core/gone.ts" names no file (src/core/gone.ts) [missing]'],
    ],
    [
      "a file that nothing reaches, and what only that file reaches",
      {
        "src/core/old.ts": 'export * from "./older.ts";\n',
        "src/core/older.ts": "export const x = 1;\n",
        "scripts/loose.ts": "export {};\n",
      },
      ["scripts/loose.ts:1", "src/core/old.ts:1", "src/core/older.ts:1"].map(
        (at) => `${at}: no entry point reaches this file [dead]`,
      ),
    ],
    [
      "a clock, chance and the runtime in portable code",
      {
        "src/core/price.ts": [
          "export const now = () => Date.now();",
          "export const fresh = () => new Date();",
          "export const chance = () => Math.random();",
          "export const id = () => crypto.randomUUID();",
          "export const where = () => process.cwd();",
          "export const file = () => globalThis.Bun;",
          "export const safe = { process: 1, at: (ms: number) => new Date(ms), log: 'Date.now' }; // Math.random",
        ].join("\n"),
      },
      [
        "src/core/price.ts:1: is told the time: Date.now [portable]",
        "src/core/price.ts:2: is told the time: new Date() [portable]",
        "src/core/price.ts:3: is given its chance: Math.random [portable]",
        "src/core/price.ts:4: core reads neither clock nor chance [portable]",
        "src/core/price.ts:5: runs without Bun and Node [portable]",
        "src/core/price.ts:6: runs without Bun and Node [portable]",
      ],
    ],
    [
      "a package in core, Node in http",
      {
        "src/core/price.ts": 'import "valibot";\nexport const price = 1;\n',
        "src/http/mod.ts": 'import { join } from "node:path";\nexport const route = join;\n',
      },
      [
        'src/core/price.ts:1: core has no dependency but itself: "valibot" [portable]',
        'src/http/mod.ts:1: http runs without Bun and Node: "node:path" [portable]',
      ],
    ],
    [
      "the runtime outside src/runtime",
      {
        "src/store/mod.ts": 'import { sleep } from "bun";\nexport const s = () => sleep(1);\n',
        "src/app.ts": 'import "./config.ts";\nexport const app = (on: boolean) => (on ? process : Bun);\n',
      },
      [
        "src/app.ts:2: only src/runtime names Bun and the process [runtime]",
        "src/app.ts:2: only src/runtime names Bun and the process [runtime]",
        'src/store/mod.ts:1: only src/runtime names Bun and the process: "bun" [runtime]',
      ],
    ],
    [
      "the environment outside of scripts",
      {
        "db/mod.ts": 'import { env } from "node:process";\nexport const open = () => env;\n',
        "src/runtime/mod.ts": 'export const serve = () => process.env["PORT"];\n',
      },
      [
        "db/mod.ts:1: the environment is read by scripts and handed to config.ts [environment]",
        "src/runtime/mod.ts:1: the environment is read by scripts and handed to config.ts [environment]",
      ],
    ],
    [
      "any as a type",
      { "src/core/price.ts": "export const a = (x: any, any: number) => Promise.any([x, any(1)]);\n" },
      ["src/core/price.ts:1: no any: parse, or name the type [any]"],
    ],
    [
      "a file that is too long",
      { "src/core/price.ts": "export {};\n".repeat(LINES_MAX + 1) },
      [`src/core/price.ts:${LINES_MAX + 1}: 301 lines: above 300, look for the second noun [length]`],
    ],
    [
      "unfinished work, in tests too",
      {
        "src/core/price.ts": `export {};\n// ${"TO"}DO: later\n`,
        "tests/core/price.test.ts": `// ${"FIX"}ME\n`,
      },
      [
        `src/core/price.ts:2: ${"TO"}DO: finish it, or open an issue [unfinished]`,
        `tests/core/price.test.ts:1: ${"FIX"}ME: finish it, or open an issue [unfinished]`,
      ],
    ],
    [
      "tests that hide others, or themselves without a condition",
      {
        "tests/core/price.test.ts":
          'test.only("x", f);\ndescribe.skip("y", f);\n(slow ? test : test.skip)("z", f);\n',
      },
      [
        "tests/core/price.test.ts:1: runs this test and no other [only]",
        "tests/core/price.test.ts:2: skips without a condition; skipIf names one [skip]",
      ],
    ],
  ];
  test.each(cases)("%s", (_, changes, found) => {
    expect(breachesOf(changes).split("\n")).toEqual([...found]);
  });
});
