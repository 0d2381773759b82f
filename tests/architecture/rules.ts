import { type ImportSite, importsOf, resolveImport } from "./imports.ts";
import { lineOf, readSource } from "./source-text.ts";
import * as table from "./table.ts";

/** A breach of a rule of the house, at the line where it can be mended. */
export interface Breach {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** The files of a project by path, relative to its root: sources, and package.json for its entry points. */
export type Tree = ReadonlyMap<string, string>;

const ENVIRONMENT = "the environment is read by scripts and handed to config.ts";

interface Edge extends ImportSite {
  readonly from: string;
  readonly to: string;
}

type Report = (rule: string, file: string, line: number, message: string) => void;

/** Every breach in the tree, ordered by file and line. */
export function checkHouse(tree: Tree): Breach[] {
  const breaches: Breach[] = [];
  const report: Report = (rule, file, line, message) => breaches.push({ rule, file, line, message });
  const modules = [...tree.keys()].filter((path) => /^(?:src|db|scripts)\/.*\.tsx?$/.test(path)).sort();
  const edges = modules.flatMap((from) => edgesOf(from, tree, report));
  for (const edge of edges) checkEdge(edge, report);
  checkCycles(modules, edges, report);
  checkReachable(modules, edges, tree, report);
  for (const path of modules) checkWords(path, tree.get(path)!, report);
  for (const [path, text] of tree) if (/^tests\/.*\.tsx?$/.test(path)) checkTestFile(path, text, report);
  return breaches.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

/** `src/core/a.ts:3: message [rule]`, one a line. */
export function formatBreaches(breaches: readonly Breach[]): string {
  return breaches.map((b) => `${b.file}:${b.line}: ${b.message} [${b.rule}]`).join("\n");
}

function edgesOf(from: string, tree: Tree, report: Report): Edge[] {
  const folder = table.folderOf(from);
  const edges: Edge[] = [];
  for (const site of importsOf(tree.get(from)!)) {
    const { specifier, line } = site;
    if (!specifier.startsWith(".")) {
      checkPackage(folder, from, site, report);
      continue;
    }
    const to = resolveImport(from, specifier);
    if (!/\.[a-z]+$/.test(specifier))
      report("extension", from, line, `"${specifier}" lacks its extension, .ts`);
    else if (/\.tsx?$/.test(specifier)) {
      if (tree.has(to)) edges.push({ ...site, from, to });
      else report("missing", from, line, `"${specifier}" names no file (${to})`);
    }
  }
  return edges;
}

function checkPackage(folder: string, from: string, site: ImportSite, report: Report): void {
  const { specifier, line } = site;
  const takesEnv = specifier === "node:process" && /\benv\b|^\*|^\w/.test(site.names);
  if (takesEnv && folder !== "scripts") report("environment", from, line, ENVIRONMENT);
  if (folder === "core") report("portable", from, line, `core has no dependency but itself: "${specifier}"`);
  else if (table.PORTABLE.includes(folder) && /^(?:node:|bun(?:$|:))/.test(specifier))
    report("portable", from, line, `${folder} runs without Bun and Node: "${specifier}"`);
  else if (
    from.startsWith("src/") &&
    folder !== table.RUNTIME &&
    /^(?:node:process$|bun(?:$|:))/.test(specifier)
  )
    report("runtime", from, line, `only src/runtime names Bun and the process: "${specifier}"`);
}

function checkEdge(edge: Edge, report: Report): void {
  const from = table.folderOf(edge.from);
  const to = table.folderOf(edge.to);
  if (from === to) return;
  const allowed = table.MAY_IMPORT[table.rowOf(from)];
  const { line } = edge;
  if (allowed === undefined)
    report("table", edge.from, line, `folder ${from} has no row in the import table`);
  else if (!allowed.includes("*") && !allowed.includes(to) && !allowed.includes(table.rowOf(to)))
    report("table", edge.from, line, `${from} may not import ${to} (${edge.to})`);
  else if (table.TYPES_ONLY.includes(from) && !edge.typeOnly)
    report("table", edge.from, line, `${from} takes only types from ${to}: write "import type"`);
  const isFace = /(?:^|\/)mod\.ts$/.test(edge.to) || /^src\/[^/]+\.tsx?$/.test(edge.to);
  // A venue stands inside the folder of its port, so it names the port's files directly.
  const isOwnPort = from.startsWith("venues/") && to === "venues";
  if (!isFace && !isOwnPort)
    report("face", edge.from, line, `${to} is entered through its mod.ts, not ${edge.to}`);
}

/** Reports each import that closes a cycle, found by walking depth first. */
function checkCycles(modules: readonly string[], edges: readonly Edge[], report: Report): void {
  const out = Map.groupBy(edges, (edge) => edge.from);
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (path: string) => {
    state.set(path, "open");
    trail.push(path);
    for (const { to, line } of out.get(path) ?? []) {
      if (state.get(to) === "open") {
        const ring = [...trail.slice(trail.indexOf(to)), to];
        report("cycle", path, line, `import cycle: ${ring.join(" → ")}`);
      } else if (!state.has(to)) visit(to);
    }
    trail.pop();
    state.set(path, "done");
  };
  for (const path of modules) if (!state.has(path)) visit(path);
}

/** A file is alive when a command of package.json reaches it, or a face that other programs embed. */
function checkReachable(
  modules: readonly string[],
  edges: readonly Edge[],
  tree: Tree,
  report: Report,
): void {
  const out = Map.groupBy(edges, (edge) => edge.from);
  const commands = tree.get("package.json") ?? "";
  const alive = new Set<string>();
  const isEntry = (path: string) =>
    /^src\/(?:.*\/)?mod\.ts$/.test(path) ||
    table.STARTED_BY_HAND.test(path) ||
    (path.startsWith("scripts/") && commands.includes(path));
  const waiting = modules.filter(isEntry);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (alive.has(path)) continue;
    alive.add(path);
    for (const { to } of out.get(path) ?? []) waiting.push(to);
  }
  for (const path of modules)
    if (!alive.has(path)) report("dead", path, 1, "no entry point reaches this file");
}

interface WordRule {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly message: string;
  applies(path: string, folder: string): boolean;
}

const portable = (_: string, folder: string) => table.PORTABLE.includes(folder);
/** A property of that name in a literal or a type is no global. */
const GLOBAL_RUNTIME =
  /(?<![.\w$])(?:process|Bun)\b(?!(?<=(?:[{,;(]|^|readonly)\s*(?:process|Bun))\s*\??:)|\bglobalThis\s*\.\s*(?:process|Bun)\b/gm;

const WORD_RULES: readonly WordRule[] = [
  {
    rule: "portable",
    pattern: /\bDate\s*\.\s*now\b/g,
    message: "is told the time: Date.now",
    applies: portable,
  },
  {
    rule: "portable",
    pattern: /\bMath\s*\.\s*random\b/g,
    message: "is given its chance: Math.random",
    applies: portable,
  },
  {
    rule: "portable",
    pattern: /\bnew\s+Date\b\s*(?:\(\s*\)|(?!\s*\())/g,
    message: "is told the time: new Date()",
    applies: portable,
  },
  {
    rule: "portable",
    pattern: /\bperformance\s*\.\s*now\b|\bcrypto\s*\.\s*(?:randomUUID|getRandomValues)\b/g,
    message: "core reads neither clock nor chance",
    applies: (_, folder) => folder === "core",
  },
  { rule: "portable", pattern: GLOBAL_RUNTIME, message: "runs without Bun and Node", applies: portable },
  {
    rule: "runtime",
    pattern: GLOBAL_RUNTIME,
    message: "only src/runtime names Bun and the process",
    applies: (path, folder) => path.startsWith("src/") && folder !== table.RUNTIME && !portable(path, folder),
  },
  {
    rule: "environment",
    pattern: /\b(?:process|Bun|meta)\s*\.\s*env\b/g,
    message: ENVIRONMENT,
    applies: (path) => !path.startsWith("scripts/"),
  },
  {
    rule: "any",
    pattern: /(?<![.\w$])any\b(?!\s*(?:[:(]|=[^>]))/g,
    message: "no any: parse, or name the type",
    applies: () => true,
  },
];

const UNFINISHED = new RegExp(
  `\\b(?:${["TO", "FIX"].map((w) => w + (w === "TO" ? "DO" : "ME")).join("|")})\\b`,
  "g",
);

function checkWords(path: string, text: string, report: Report): void {
  const folder = table.folderOf(path);
  const { code } = readSource(text);
  for (const { rule, pattern, message, applies } of WORD_RULES) {
    if (!applies(path, folder)) continue;
    for (const { index } of code.matchAll(pattern)) report(rule, path, lineOf(text, index), message);
  }
  checkUnfinished(path, text, report);
  const lines = text.trimEnd().split("\n").length;
  if (lines > table.LINES_MAX && table.LONG_FILES[path] === undefined)
    report("length", path, lines, `${lines} lines: above ${table.LINES_MAX}, look for the second noun`);
}

function checkUnfinished(path: string, text: string, report: Report): void {
  for (const { index, 0: word } of text.matchAll(UNFINISHED))
    report("unfinished", path, lineOf(text, index), `${word}: finish it, or open an issue`);
}

function checkTestFile(path: string, text: string, report: Report): void {
  checkUnfinished(path, text, report);
  const { code } = readSource(text);
  for (const { index } of code.matchAll(/\b(?:test|it|describe)\s*\.\s*only\b/g))
    report("only", path, lineOf(text, index), "runs this test and no other");
  if (table.SKIPPING_HELPERS.includes(path)) return;
  for (const { index } of code.matchAll(/\b(?:test|it|describe)\s*\.\s*(?:skip|todo)\s*\(/g))
    report("skip", path, lineOf(text, index), "skips without a condition; skipIf names one");
}
