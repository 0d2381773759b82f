import { posix } from "node:path";
import { lineOf, readSource } from "./source-text.ts";

/** One place where a file names another module. */
export interface ImportSite {
  readonly line: number;
  readonly specifier: string;
  /** `url` is `new URL("./x.ts", import.meta.url)`: how workers and child scripts are named. */
  readonly kind: "static" | "dynamic" | "url";
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`, e.g. `{ env, exit }`. */
  readonly names: string;
}

/** Static imports and re-exports; `[1]` tells whether they are types only, `[2]` what is imported. */
const STATIC =
  /(?<![.\w$])(?:import|export)\s+(type\s+)?((?:[\w$*]+(?:\s+as\s+[\w$]+)?\s*,?\s*)?(?:\{[^}]*\})?)\s*from\s*(?=["'])/g;
const SIDE_EFFECT = /(?<![.\w$])import\s*(?=["'])/g;
const DYNAMIC = /(?<![.\w$])import\s*\(\s*(?=["'])/g;
const URL_OF_MODULE = /\bnew\s+URL\s*\(\s*(?=["'])/g;
const AFTER_URL = /^\s*,\s*import\.meta\.url\b/;

/** Every module that a source text names, in order of lines. */
export function importsOf(text: string): ImportSite[] {
  const { code, strings } = readSource(text);
  const sites: ImportSite[] = [];
  const collect = (pattern: RegExp, kind: ImportSite["kind"]) => {
    for (const match of code.matchAll(pattern)) {
      const literal = strings.get(match.index + match[0].length);
      if (literal === undefined) continue;
      if (kind === "url") {
        const rest = code.slice(literal.start + literal.value.length + 2);
        if (!AFTER_URL.test(rest) || !/\.tsx?$/.test(literal.value)) continue;
      }
      const names = match[2] ?? "";
      const eachIsType =
        names.startsWith("{") &&
        names
          .slice(1, -1)
          .split(",")
          .every((name) => name.trim() === "" || /^type\s/.test(name.trim()));
      sites.push({
        line: lineOf(text, literal.start),
        specifier: literal.value,
        kind,
        names,
        typeOnly: kind === "static" && (match[1] !== undefined || eachIsType),
      });
    }
  };
  collect(STATIC, "static");
  collect(SIDE_EFFECT, "static");
  collect(DYNAMIC, "dynamic");
  collect(URL_OF_MODULE, "url");
  return sites.sort((a, b) => a.line - b.line);
}

/** The path that a relative specifier of `from` names, relative to the root of the tree. */
export function resolveImport(from: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(from), specifier));
}
