import { fieldFault, parseStrictJson } from "../protocol/mod.ts";
import { failWith } from "./problem-response.ts";

/** Bytes of a request's body. */
export const BODY_BYTES_MAX = 65_536;

/** The JSON of a request's body. Throws the problems `unsupported-media-type`, `body-too-large` and `malformed-json`. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type === null || !/^application\/json\s*(?:;|$)/i.test(type))
    throw failWith("unsupported-media-type", "Send the request as JSON, with its media type named.", [
      fieldFault("header.content-type", "application/json", type ?? undefined),
    ]);
  const announced = Number(request.headers.get("content-length") ?? "0");
  if (announced > BODY_BYTES_MAX) throw tooLarge(`${announced} bytes`);
  const text = await readText(request);
  const parsed = parseStrictJson(text);
  if (parsed.kind === "json") return parsed.value;
  const { finding, detail } = parsed;
  const found = detail === undefined ? finding : `${finding}: ${detail}`;
  throw failWith("malformed-json", `The body ${found}.`, [
    fieldFault("$", "a JSON object", text === "" ? undefined : text),
  ]);
}

/** The same for a body that may be left out: undefined then. */
export async function readJsonBodyIfAny(request: Request): Promise<unknown> {
  if (request.body === null || request.headers.get("content-length") === "0") return undefined;
  return readJsonBody(request);
}

async function readText(request: Request): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      await reader.cancel();
      throw tooLarge("more than that");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(found: string) {
  return failWith("body-too-large", `A body may have ${BODY_BYTES_MAX} bytes; this one has ${found}.`, [
    {
      path: "$",
      expected: `at most ${BODY_BYTES_MAX} bytes`,
      received: found,
      message: `$: expected at most ${BODY_BYTES_MAX} bytes, got ${found}`,
    },
  ]);
}
