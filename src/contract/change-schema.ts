import * as v from "valibot";

type AnyObject = v.ObjectSchema<v.ObjectEntries, undefined>;
type AnyRecord = v.RecordSchema<v.GenericSchema<string>, v.GenericSchema, undefined>;
type AnyNullable = v.NullableSchema<v.GenericSchema, undefined>;

const Revision = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * The schema of a frame about a state, by the rule of changed-fields.ts: every field may be absent; one that is an object in the state
 * has its changed members only; what is gone is null. `revision` is the state after the frame and `previous_revision` the one it
 * builds on; null there means that the frame is the whole state.
 */
export function changeSchema(state: { readonly entries: v.ObjectEntries }): v.GenericSchema {
  return v.object({
    ...changeable(state.entries, membersOf),
    revision: Revision,
    previous_revision: v.nullable(Revision),
  });
}

/** An object as its members, each of which may be absent or null; anything else as it is. */
function membersOf(schema: v.GenericSchema): v.GenericSchema {
  if (isNullable(schema)) return membersOf(schema.wrapped);
  if (isObject(schema)) return v.object(changeable(schema.entries, (member) => member));
  if (isRecord(schema)) return v.record(schema.key, v.nullable(schema.value));
  return schema;
}

function changeable(
  entries: v.ObjectEntries,
  of: (schema: v.GenericSchema) => v.GenericSchema,
): v.ObjectEntries {
  const fields = Object.entries(entries).map(([name, schema]) => {
    const inner = of(schema);
    return [name, v.optional(isNullable(inner) ? inner : v.nullable(inner))] as const;
  });
  return Object.fromEntries(fields);
}

function isObject(schema: v.GenericSchema): schema is AnyObject {
  return schema.type === "object" && !("pipe" in schema);
}

function isRecord(schema: v.GenericSchema): schema is AnyRecord {
  return schema.type === "record";
}

function isNullable(schema: v.GenericSchema): schema is AnyNullable {
  return schema.type === "nullable";
}
