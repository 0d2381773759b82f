import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import manifest from "../../package.json" with { type: "json" };

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("docs/dependencies.md, has a line for every package of package.json, and for no other", () => {
  const text = readFileSync(fromRoot("docs/dependencies.md"), "utf8");
  const described = Array.from(text.matchAll(/^\| `([^`]+)` +\|/gm), ([, name]) => name);
  const named = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
  expect(described.toSorted()).toEqual(named.toSorted());
});

test("docs/glossary.md, names files and folders that are there", () => {
  const text = readFileSync(fromRoot("docs/glossary.md"), "utf8");
  const paths = Array.from(text.matchAll(/`((?:src|db|scripts|tests)\/[^`]*)`/g), ([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => !existsSync(fromRoot(path)))).toEqual([]);
});
