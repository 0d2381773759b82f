/** A problem document of a request that never reaches the app. */
export function plainProblem(
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { type: "about:blank", title, status, detail };
  return Response.json(body, { status, headers: { ...headers, "content-type": "application/problem+json" } });
}
