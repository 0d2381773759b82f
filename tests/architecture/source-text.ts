/** A string literal without escapes resolved: where its opening quote stands and what is between the quotes. */
export interface StringLiteral {
  readonly start: number;
  readonly value: string;
}

/** A source text with everything that is not code blanked out: positions and lines stay as they were. */
export interface SourceText {
  /** Comments, contents of strings and of regular expressions are spaces; quotes stay. */
  readonly code: string;
  readonly strings: ReadonlyMap<number, StringLiteral>;
}

const REGEX_MAY_FOLLOW =
  /(?:^|[=(,:;[{}!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|await|yield|void|throw))$/;

/** Tells code from comments, strings, templates and regular expressions. Enough of a lexer for rules that look for words. */
export function readSource(text: string): SourceText {
  const out = [...text.replace(/[^\n]/gu, (c) => " ".repeat(c.length))];
  const strings = new Map<number, StringLiteral>();
  /** Depth of braces at each `${` that is open. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  /** The last code characters before `at`, without trailing blanks. */
  let before = "";

  const keep = (index: number) => {
    out[index] = text[index]!;
    if (!/\s/.test(text[index]!)) before = (before + text[index]!).slice(-12);
    else if (before !== "" && /\w$/.test(before)) before = `${before} `.slice(-12);
  };
  const skipTo = (end: number) => {
    at = end < 0 ? text.length : end;
  };
  const template = () => {
    for (; at < text.length; at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "`") return keep(at++);
      else if (text.startsWith("${", at)) {
        templates.push(depth);
        before = "(";
        at += 2;
        return;
      }
    }
  };

  while (at < text.length) {
    const char = text[at]!;
    if (text.startsWith("//", at)) skipTo(text.indexOf("\n", at));
    else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      skipTo(end < 0 ? -1 : end + 2);
    } else if (char === '"' || char === "'") {
      const start = at;
      keep(at++);
      while (at < text.length && text[at] !== char && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
      strings.set(start, { start, value: text.slice(start + 1, at) });
      if (at < text.length) keep(at++);
    } else if (char === "`") {
      keep(at++);
      template();
    } else if (char === "/" && REGEX_MAY_FOLLOW.test(before.trimEnd())) {
      keep(at++);
      for (
        let inClass = false;
        at < text.length && text[at] !== "\n" && (inClass || text[at] !== "/");
        at++
      ) {
        if (text[at] === "\\") at++;
        else if (text[at] === "[") inClass = true;
        else if (text[at] === "]") inClass = false;
      }
      if (at < text.length) keep(at++);
    } else if (char === "}" && templates.at(-1) === depth) {
      templates.pop();
      at++;
      template();
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      keep(at++);
    }
  }
  return { code: out.join(""), strings };
}

/** Line number, from 1, of a position. */
export function lineOf(text: string, position: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i >= 0 && i < position; i = text.indexOf("\n", i + 1)) line++;
  return line;
}
