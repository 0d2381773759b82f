/** Objects and arrays within one another. */
export const JSON_DEPTH_MAX = 32;
/** Characters of a name that are shown. */
const NAME_CHARS_MAX = 40;

export type StrictJson =
  | { readonly kind: "json"; readonly value: unknown }
  /** `finding` completes "the text …"; `detail` adds what the parser said of it, and may quote it. */
  | { readonly kind: "malformed"; readonly finding: string; readonly detail?: string };

type Malformed = Extract<StrictJson, { kind: "malformed" }>;

/**
 * Parses JSON that means one thing only. `JSON.parse` takes the last of two members of one name, other parsers take the first (RFC 8259,
 * section 4, calls it unpredictable): a text that says something twice is refused, and so is one nested deeper than
 * {@link JSON_DEPTH_MAX}, which nothing on these wires is.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return { kind: "malformed", finding: "is no JSON", detail: String(thrown) };
  }
  return structureFault(text) ?? { kind: "json", value };
}

/** What is wrong with the structure of a text that is JSON: one pass, which looks at quotes, braces and colons alone. */
function structureFault(text: string): Malformed | undefined {
  /** The names of each open object so far; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (text.charCodeAt(afterSpace(text, end + 1)) === COLON) {
        const names = open.at(-1);
        const name = nameOf(text.slice(at, end + 1));
        if (names?.has(name) === true)
          return {
            kind: "malformed",
            finding: "has a member twice in one object",
            detail: JSON.stringify(name.slice(0, NAME_CHARS_MAX)),
          };
        names?.add(name);
      }
      at = end;
    } else if (code === BRACE || code === BRACKET) {
      if (open.push(code === BRACE ? new Set() : undefined) > JSON_DEPTH_MAX)
        return { kind: "malformed", finding: `is nested more than ${JSON_DEPTH_MAX} deep` };
    } else if (code === END_BRACE || code === END_BRACKET) open.pop();
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
const BRACKET = 0x5b;
const END_BRACKET = 0x5d;
const SPACE = 0x20;

/** Where the string that begins at `at` has its closing quote. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (text.charCodeAt(end) !== QUOTE) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/** The first place from `at` on that is no white space; in JSON everything up to the space character is. */
function afterSpace(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) <= SPACE) next++;
  return next;
}

/** Two spellings of one name are one name. */
function nameOf(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
