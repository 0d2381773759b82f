import {
  type FieldFault,
  invalidRequest,
  PROBLEM_MEDIA_TYPE,
  type Problem,
  type ProblemName,
  problem,
} from "../protocol/mod.ts";

/** Ends a request with a problem document; thrown inside a route, answered by the app. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(document: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(document.detail);
    this.problem = document;
    this.headers = headers;
  }
}

/** A problem of a kind, ready to be thrown. */
export function failWith(name: ProblemName, detail: string, errors?: readonly FieldFault[]): ProblemError {
  return new ProblemError(problem(name, detail, errors));
}

/** The parameters or the path of a request are not valid. */
export function badAddress(errors: readonly FieldFault[]): ProblemError {
  return new ProblemError(invalidRequest(errors, "invalid-query"));
}

/** A problem document as a response. */
export function problemResponse(
  document: Problem,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify({ ...document, instance: requestId }), {
    status: document.status,
    headers: { "content-type": PROBLEM_MEDIA_TYPE, ...headers },
  });
}
