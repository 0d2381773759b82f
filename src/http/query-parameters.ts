import type { AppContext } from "./route.ts";

/** The parameters of a request's address: the values of each name. One without a name (`?=x`) is one too, and no route knows it. */
export function queryParameters(c: AppContext): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URL(c.req.url).searchParams) {
    const found = values.get(name);
    if (found === undefined) values.set(name, [value]);
    else found.push(value);
  }
  return Object.fromEntries(values);
}
