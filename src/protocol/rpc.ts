import * as v from "valibot";
import { COMMAND_WORDS } from "./job-control.ts";
import { type PushError, pushError } from "./push-errors.ts";
import type { RpcRequest } from "./push-requests.ts";

/**
 * Calls over the push connection. Each is a request to the same HTTP interface, by another door: what is asked, what is refused and
 * what is answered are those of the route. So the schemas here say what makes the address, and the route judges the rest.
 */

/** A text, or a number as its plain digits. */
const Digits = v.union([v.string(), v.number()], 'a number or its digits such as "0.5"');
const ReadingFields = { value_area: v.optional(v.string()), bin_size: v.optional(Digits) };

/** Of `levels`: the parameters of `GET /levels`. */
export const RpcLevels = v.strictObject({
  symbol: v.optional(v.string()),
  session: v.optional(v.string()),
  ...ReadingFields,
});

/** Of `profile`: the parameters of `GET /api/v1/profile/{symbol}`. */
export const RpcProfile = v.strictObject({
  symbol: v.pipe(v.string(), v.nonEmpty()),
  from: v.string(),
  to: v.string(),
  ...ReadingFields,
  bins: v.optional(v.boolean()),
});

/** Of `backfill.start`: the body of `POST /api/v1/backfill`. */
export const RpcBackfillStart = v.looseObject({});

/** Of `backfill.control`: which job, what it is told, and the fields of that command. */
export const RpcBackfillControl = v.looseObject({
  job_id: v.pipe(v.string(), v.nonEmpty()),
  command: v.picklist(COMMAND_WORDS, `one of ${COMMAND_WORDS.join(", ")}`),
});

/** A call as the HTTP interface has it. */
export interface RpcCall {
  readonly method: "GET" | "POST";
  /** With its parameters. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string | undefined;
}

export type ParsedRpc =
  | { readonly kind: "call"; readonly call: RpcCall }
  | { readonly kind: "refused"; readonly error: PushError };

type Method = (data: unknown) => ParsedRpc;

const METHODS: ReadonlyMap<string, Method> = new Map([
  method("levels", RpcLevels, (query) => ({ method: "GET", path: `/levels${queryOf(query)}` })),
  method("profile", RpcProfile, ({ symbol, ...query }) => ({
    method: "GET",
    path: `/api/v1/profile/${encodeURIComponent(symbol)}${queryOf(query)}`,
  })),
  method("backfill.start", RpcBackfillStart, (body) => ({
    method: "POST",
    path: "/api/v1/backfill",
    body: JSON.stringify(body),
  })),
  method("backfill.control", RpcBackfillControl, ({ job_id, command, ...body }) => ({
    method: "POST",
    path: `/api/v1/backfill/${encodeURIComponent(job_id)}/${command}`,
    body: JSON.stringify(body),
  })),
]);

/** What a client may call. */
export const RPC_METHODS: readonly string[] = [...METHODS.keys()];

/** The call that an `rpc` command asks for. */
export function parseRpc({ method: name, data }: RpcRequest): ParsedRpc {
  const read = METHODS.get(name);
  if (read !== undefined) return read(data ?? {});
  const expected = `expected one of ${RPC_METHODS.join(", ")}`;
  return {
    kind: "refused",
    error: pushError("method_not_found", `${expected}, got ${JSON.stringify(name)}`),
  };
}

function method<Data>(
  name: string,
  schema: v.GenericSchema<unknown, Data>,
  callOf: (data: Data) => RpcCall,
): [string, Method] {
  const read: Method = (data) => {
    // An empty array would pass for an object without fields.
    if (Array.isArray(data))
      return {
        kind: "refused",
        error: pushError("bad_request", `${name}: data: expected Object, got Array`),
      };
    const parsed = v.safeParse(schema, data);
    if (parsed.success) return { kind: "call", call: callOf(parsed.output) };
    const faults = parsed.issues.slice(0, 3).map((issue) => {
      const path = v.getDotPath(issue);
      return `data${path === null ? "" : `.${path}`}: expected ${issue.expected ?? issue.message}, got ${issue.received}`;
    });
    return { kind: "refused", error: pushError("bad_request", `${name}: ${faults.join("; ")}`) };
  };
  return [name, read];
}

function queryOf(fields: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}
