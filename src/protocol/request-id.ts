const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Names a request in its answer and in the log. */
export const REQUEST_ID_HEADER = "x-request-id";

/** The client's own name for its request, where it sent one that may stand in a header and a log. */
export function givenRequestId(headers: Headers): string | undefined {
  const given = headers.get(REQUEST_ID_HEADER);
  return given !== null && REQUEST_ID.test(given) ? given : undefined;
}
