import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../package.json" with { type: "json" };
import { readConfig } from "../../src/config.ts";
import { PROBLEMS, PUSH_ERRORS } from "../../src/protocol/mod.ts";

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(fromRoot(path), "utf8");

const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  ...readdirSync(fromRoot("docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Names of files and folders of ours that a text puts between backticks. */
function pathsIn(text: string): string[] {
  return Array.from(text.matchAll(/`((?:src|db|scripts|tests|docs)\/[^`*…\s]*)`/g), ([, path = ""]) => path);
}

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

test("docs/dependencies.md, has a line for every package of package.json, and for no other", () => {
  const described = Array.from(
    read("docs/dependencies.md").matchAll(/^\| `([^`]+)` +\|/gm),
    ([, name]) => name,
  );
  const named = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
  expect(described.toSorted()).toEqual(named.toSorted());
});

test("docs/glossary.md, names files and folders", () => {
  expect(pathsIn(read("docs/glossary.md")).length).toBeGreaterThan(0);
});

test.each(DOCUMENTS)("%s, names files and folders that are there", (document) => {
  expect(pathsIn(read(document)).filter((path) => !existsSync(fromRoot(path)))).toEqual([]);
});

test.each(DOCUMENTS)("%s, links to what is there", (document) => {
  const links = Array.from(read(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g));
  const broken = links.filter(([, path = "", anchor]) => {
    const target = path === "" ? document : join(dirname(document), path);
    if (!existsSync(fromRoot(target))) return true;
    const headings = Array.from(read(target).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
      anchorOf(heading),
    );
    return anchor !== undefined && !headings.includes(anchor);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test.each(DOCUMENTS)("%s, runs only commands that package.json has", (document) => {
  const commands = Array.from(
    read(document).matchAll(/\bbun(?:@[\d.]+)? run ([a-z]+(?::[a-z]+)?)/g),
    ([, name = ""]) => name,
  );
  expect(commands.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

test("ARCHITECTURE.md, has a row for every folder of src", () => {
  const rows = Array.from(read("ARCHITECTURE.md").matchAll(/^\| `src\/([a-z]+)`/gm), ([, name = ""]) => name);
  const folders = readdirSync(fromRoot("src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "config")
    .map(({ name }) => name);
  expect(rows.toSorted()).toEqual(folders.toSorted());
});

test("docs/configuration.md, has a row for every variable that is read, and for no other", () => {
  const names = new Set<string>();
  readConfig(
    new Proxy<Record<string, string>>(
      {},
      {
        get(_, name) {
          names.add(String(name));
          return undefined;
        },
      },
    ),
  );
  const rows = read("docs/configuration.md")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) =>
      Array.from((line.split(" | ")[0] ?? "").matchAll(/`([A-Z0-9_]+)`/g), ([, name]) => name),
    );
  expect(rows.toSorted()).toEqual([...names].toSorted());
});

test("docs/http-api.md, lists every problem with its status", () => {
  const rows = Array.from(read("docs/http-api.md").matchAll(/^\| `\/problems\/([a-z-]+)` +\| (\d+) +\|/gm));
  const listed = Object.fromEntries(rows.map(([, name, status]) => [name, Number(status)]));
  expect(listed).toEqual(
    Object.fromEntries(Object.entries(PROBLEMS).map(([name, { status }]) => [name, status])),
  );
});

test("docs/push-protocol.md, lists error codes that there are", () => {
  const errors = read("docs/push-protocol.md").split("## Errors")[1]?.split("## Close codes")[0] ?? "";
  const listed = Array.from(errors.matchAll(/^\| (\d+) +\|/gm), ([, code]) => Number(code));
  const known: readonly number[] = Object.values(PUSH_ERRORS).map(({ code }) => code);
  expect(listed.length).toBeGreaterThan(0);
  expect(listed.filter((code) => !known.includes(code))).toEqual([]);
});
