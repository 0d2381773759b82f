import * as v from "valibot";

/** One fault of a request: where it stands, what was expected there and what was found. */
export const FieldFault = v.object({
  /** JSON path in the body (`$.symbols[3]`), or `query.NAME`, `path.NAME`, `header.NAME`. */
  path: v.string(),
  expected: v.string(),
  received: v.string(),
  message: v.string(),
});
export type FieldFault = v.InferOutput<typeof FieldFault>;

/** A problem document (RFC 9457). */
export const Problem = v.object({
  /** A URI reference that names the kind of problem. */
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  detail: v.string(),
  /** Id of the request, as in the server's log. */
  instance: v.optional(v.string()),
  errors: v.optional(v.array(FieldFault)),
  /** Of a job whose state does not allow what was asked. */
  state: v.optional(v.string()),
});
export type Problem = v.InferOutput<typeof Problem>;

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Every kind of problem this server answers with. 422 marks well-formed JSON that asks for what cannot be. */
export const PROBLEMS = {
  "malformed-json": { status: 400, title: "The body is not JSON" },
  "invalid-query": { status: 400, title: "The request's address is not valid" },
  unauthorized: { status: 401, title: "A valid token is needed" },
  "not-granted": { status: 403, title: "The token does not cover this" },
  "insufficient-scope": { status: 403, title: "The token does not allow this" },
  "not-found": { status: 404, title: "There is nothing at this address" },
  "job-not-found": { status: 404, title: "There is no such job" },
  "schedule-not-found": { status: 404, title: "There is no such schedule" },
  "webhook-not-found": { status: 404, title: "There is no such webhook" },
  "delivery-not-found": { status: 404, title: "There is no such delivery" },
  "symbol-not-found": { status: 404, title: "This symbol is not followed here" },
  "method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "schedule-exists": { status: 409, title: "A schedule of this name exists" },
  "too-many": { status: 409, title: "There are as many of these as there may be" },
  "delivery-busy": { status: 409, title: "This delivery cannot be sent again now" },
  "job-state": { status: 409, title: "The state of the job does not allow this" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body is not of a type that is read here" },
  "invalid-request": { status: 422, title: "The request is not valid" },
  "webhook-target-refused": { status: 422, title: "This address may not be sent to" },
  "window-too-large": { status: 422, title: "The window is too large" },
  "job-too-large": { status: 422, title: "The job would be too large" },
  "internal-error": { status: 500, title: "The server failed" },
  loading: { status: 503, title: "The days of this window are still being read" },
  unavailable: { status: 503, title: "The server cannot do this now" },
  "deadline-exceeded": { status: 504, title: "The answer took too long" },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemName = keyof typeof PROBLEMS;

/** The problem document of a kind. */
export function problem(name: ProblemName, detail: string, errors?: readonly FieldFault[]): Problem {
  const { status, title } = PROBLEMS[name];
  const document = { type: `/problems/${name}`, title, status, detail };
  return errors === undefined ? document : { ...document, errors: [...errors] };
}

/** Characters of a received value that are shown. */
const RECEIVED_CHARS_MAX = 80;

/** A received value as a fault shows it: JSON where there is one, cut to a readable length. */
export function shownValue(value: unknown): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? typeof value);
  return text.length > RECEIVED_CHARS_MAX ? `${text.slice(0, RECEIVED_CHARS_MAX)}…` : text;
}

/** A fault with its message made of its parts. */
export function fieldFault(path: string, expected: string, received: unknown): FieldFault {
  const shown = shownValue(received);
  return { path, expected, received: shown, message: `${path}: expected ${expected}, got ${shown}` };
}

/** The faults of a failed parse, each with its JSON path below `root`. */
export function faultsFromIssues(issues: readonly v.BaseIssue<unknown>[], root = "$"): FieldFault[] {
  return issues.map((issue) => {
    const path = (issue.path ?? []).reduce((text, item) => text + pathStep(item.key), root);
    if (issue.kind === "schema" && issue.type === "strict_object" && issue.expected === "never") {
      const fault = fieldFault(path, "no such field", undefined);
      return { ...fault, received: "a field of this name", message: `${path}: there is no such field` };
    }
    return fieldFault(path, expectationOf(issue), issue.input);
  });
}

/** The problem document of a body that failed to parse. */
export function problemFromIssues(
  issues: readonly v.BaseIssue<unknown>[],
  name: ProblemName = "invalid-request",
): Problem {
  return invalidRequest(faultsFromIssues(issues), name);
}

/** The problem document of faults, with the first of them as its detail. */
export function invalidRequest(
  faults: readonly FieldFault[],
  name: ProblemName = "invalid-request",
): Problem {
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : "";
  return problem(name, `${faults[0]?.message ?? "The request is not valid"}${more}`, faults);
}

function pathStep(key: unknown): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key);
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** Our schemas carry what they expect as their message; the library's own words begin with "Invalid". */
function expectationOf(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.input === undefined && issue.type === "strict_object") return "a value (the field is required)";
  return issue.expected ?? "a valid value";
}
