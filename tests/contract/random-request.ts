import * as fc from "fast-check";
import * as v from "valibot";

/** A parameter as the OpenAPI document describes it. */
export const Parameter = v.object({
  name: v.string(),
  in: v.picklist(["path", "query"]),
  required: v.boolean(),
  schema: v.looseObject({
    type: v.optional(v.string()),
    enum: v.optional(v.array(v.string())),
    format: v.optional(v.string()),
    minimum: v.optional(v.number()),
    maximum: v.optional(v.number()),
  }),
  examples: v.optional(v.record(v.string(), v.object({ value: v.unknown() })), {}),
});
export type Parameter = v.InferOutput<typeof Parameter>;

type Pairs = readonly (readonly [name: string, text: string])[];

/** What an address is filled with; a name may come twice. */
export interface RandomRequest {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Pairs;
}

/** Longest wait that is asked for, seconds: the test is not to stand still. */
const WAIT_SECONDS_MAX = 1;
const HOSTILE = [
  ...["", "0", "-1", "1e9", "NaN", "1.5", "null", "true", "[]", "{}", " ", "%", "%00", "\u0000", "\u202e"],
  ...["2026-13-45", "0000-01-01", "9999-12-31", "2026-01-02T00:00:00", "2026-01-02T00:00:00.1234567Z"],
  ...["nowhere:BTCUSDT", "btcusdt", ":", "../../etc/passwd", "' or 1=1 --", "99999999999999999999"],
];

/** Requests for an address with these parameters: examples of it, others that could be meant, and some that are not even close. `days`: that may have trades. */
export function randomRequest(
  parameters: readonly Parameter[],
  days: readonly string[],
): fc.Arbitrary<RandomRequest> {
  const path = parameters.filter((of) => of.in === "path");
  const query = parameters.filter((of) => of.in === "query");
  const more = fc.array(
    fc.tuple(fc.constantFrom("x", "__proto__", "", ...query.map(({ name }) => name)), text(days)),
    { maxLength: 2 },
  );
  const made = fc
    .record({
      path: fc.record(Object.fromEntries(path.map((of) => [of.name, pathText(of, days)]))),
      query: fc.tuple(...query.map((of) => given(of, days))),
      more: parameters.length === 0 ? more : often<Pairs>(fc.constant([]), more),
    })
    .map((of) => ({ path: of.path, query: [...of.query.flat(), ...of.more] }));
  const names = [...new Set(parameters.flatMap(({ examples }) => Object.keys(examples)))];
  if (names.length === 0) return made;
  const example = fc
    .constantFrom(...names)
    .map((name) => ({ path: Object.fromEntries(pairsOf(path, name)), query: pairsOf(query, name) }));
  return fc.oneof(made, example);
}

/** What an example has of these parameters. */
function pairsOf(parameters: readonly Parameter[], example: string): Pairs {
  return parameters.flatMap(({ name, examples }) => {
    const value = examples[example]?.value;
    return value === undefined ? [] : [[name, String(value)] as const];
  });
}

/** A parameter with a value, or without one. */
function given(parameter: Parameter, days: readonly string[]): fc.Arbitrary<Pairs> {
  const value = often(meant(parameter, days), text(days)).map((of): Pairs => [[parameter.name, of]]);
  const none = fc.constant<Pairs>([]);
  return parameter.required ? often(value, none) : fc.oneof(value, none);
}

/** A part of a path is never empty, and no step up: either is another address. */
function pathText(parameter: Parameter, days: readonly string[]): fc.Arbitrary<string> {
  return often(meant(parameter, days), text(days)).filter((of) => !["", ".", ".."].includes(of));
}

/** A text that its schema takes. */
function meant({ name, schema, examples }: Parameter, days: readonly string[]): fc.Arbitrary<string> {
  const seen = Object.values(examples).map(({ value }) => fc.constant(String(value)));
  return fc.oneof(...seen, ofSchema(name, schema, days));
}

function ofSchema(
  name: string,
  { type, enum: values, format, minimum, maximum }: Parameter["schema"],
  days: readonly string[],
): fc.Arbitrary<string> {
  if (values !== undefined) return fc.constantFrom(...values);
  if (format === "uuid") return fc.uuid();
  if (format === "date") return fc.constantFrom(...days);
  if (type === "integer") {
    const max = name === "wait" ? WAIT_SECONDS_MAX : maximum;
    return fc
      .integer({ ...(minimum !== undefined && { min: minimum }), ...(max !== undefined && { max }) })
      .map(String);
  }
  if (/(^|_)(from|to)$/.test(name)) return moment(days);
  return text(days);
}

/** A day, or a time on it. */
function moment(days: readonly string[]): fc.Arbitrary<string> {
  const two = (max: number) => fc.integer({ min: 0, max }).map((of) => String(of).padStart(2, "0"));
  return fc.oneof(
    fc.constantFrom(...days),
    fc
      .tuple(fc.constantFrom(...days), two(24), two(60), fc.constantFrom("Z", "+02:00", "", "-00:30"))
      .map(([day, hours, minutes, zone]) => `${day}T${hours}:${minutes}:00${zone}`),
  );
}

/** Anything. */
function text(days: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...HOSTILE),
    moment(days),
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.integer({ min: 200, max: 2_000 }).map((length) => "x".repeat(length)),
  );
}

/** The first of two, five times out of six. */
function often<T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: usual, weight: 5 }, { arbitrary: rare, weight: 1 });
}
