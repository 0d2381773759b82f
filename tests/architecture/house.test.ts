import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkHouse, formatBreaches } from "./rules.ts";
import { LINES_MAX, LONG_FILES } from "./table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function readTree(): Promise<Map<string, string>> {
  const paths = await Array.fromAsync(
    new Bun.Glob("{src,db,scripts,tests}/**/*.{ts,tsx}").scan({ cwd: ROOT }),
  );
  const tree = new Map<string, string>();
  for (const path of [...paths.sort(), "package.json"])
    tree.set(path, await readFile(join(ROOT, path), "utf8"));
  return tree;
}

test("the project, keeps the rules of the house", async () => {
  expect(formatBreaches(checkHouse(await readTree()))).toBe("");
});

test("LONG_FILES, lists no file that is short enough or gone", async () => {
  const tree = await readTree();
  const needless = Object.keys(LONG_FILES).filter(
    (path) => (tree.get(path)?.trimEnd().split("\n").length ?? 0) <= LINES_MAX,
  );
  expect(needless).toEqual([]);
});
