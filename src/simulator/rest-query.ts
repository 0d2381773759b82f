/** A request that the exchange refuses: HTTP status, its code, its text. */
export class RefusedRequestError extends Error {
  override readonly name = "RefusedRequestError";
  readonly status: number;
  readonly code: number;
  constructor(code: number, msg: string, status = 400) {
    super(msg);
    this.code = code;
    this.status = status;
  }
}

/** The query of a REST request, read as strictly as the exchange reads it. Every method throws {@link RefusedRequestError}. */
export interface RestQuery {
  text(name: string): string | undefined;
  /** A whole number ≥ 0, or undefined when it was not sent. */
  integer(name: string): number | undefined;
  /** A row limit: at most `max`, `fallback` when it was not sent. */
  limit(fallback: number, max: number): number;
  /** The symbol, which must be sent; that it exists is for the caller to see. */
  symbol(): string;
}

const INTEGER = /^[0-9]{1,20}$/;
const SYMBOL = /^[A-Z0-9\-_.]{1,20}$/;

/** Reads a query that may hold `allowed` parameters, each once. */
export function readQuery(query: URLSearchParams, allowed: readonly string[]): RestQuery {
  const names = [...query.keys()];
  if (new Set(names).size !== names.length)
    throw new RefusedRequestError(-1101, "Duplicate values for a parameter detected.");
  const known = names.filter((name) => allowed.includes(name)).length;
  if (known !== names.length)
    throw new RefusedRequestError(
      -1104,
      `Not all sent parameters were read; read '${known}' parameter(s) but was sent '${names.length}'.`,
    );
  const text = (name: string): string | undefined => {
    const value = query.get(name) ?? undefined;
    if (value === "") throw new RefusedRequestError(-1105, `Parameter '${name}' was empty.`);
    return value;
  };
  const integer = (name: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (!INTEGER.test(value)) throw illegal(name, INTEGER.source);
    return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
  };
  return {
    text,
    integer,
    limit(fallback, max) {
      const value = integer("limit") ?? fallback;
      if (value < 1) throw new RefusedRequestError(-1130, "Data sent for parameter 'limit' is not valid.");
      return Math.min(value, max);
    },
    symbol() {
      const value = query.get("symbol");
      if (value === null || value === "")
        throw new RefusedRequestError(
          -1102,
          "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        );
      if (!SYMBOL.test(value)) throw illegal("symbol", "^[A-Z0-9-_.]{1,20}$");
      return value;
    },
  };
}

function illegal(name: string, range: string): RefusedRequestError {
  return new RefusedRequestError(
    -1100,
    `Illegal characters found in parameter '${name}'; legal range is '${range}'.`,
  );
}
