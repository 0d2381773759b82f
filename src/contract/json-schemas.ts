import {
  type ConversionConfig,
  type JsonSchema,
  toJsonSchema,
  toJsonSchemaDefs,
} from "@valibot/to-json-schema";
import type * as v from "valibot";
import { invariant } from "../core/mod.ts";
import { NAMED_SCHEMAS } from "./named-schemas.ts";

export type { JsonSchema };

/** Where a document keeps its named schemas. */
const NAMED_AT = "#/components/schemas/";

const CONVERSION = {
  target: "draft-2020-12",
  errorMode: "throw",
  /** What JSON Schema cannot say is told in words: by descriptions, and by the faults of a refused request. */
  ignoreActions: ["check", "trim", "to_lower_case", "finite"],
  overrideRef: ({ referenceId }) => NAMED_AT + referenceId,
} as const satisfies ConversionConfig;

/** The named schemas as JSON Schema, by name. `giveWay` lets others have their turn between two groups. */
export async function namedJsonSchemas(giveWay: () => Promise<void>): Promise<Map<string, JsonSchema>> {
  const { shared, groups } = NAMED_SCHEMAS;
  const converted = new Map<string, JsonSchema>();
  for (const group of groups) {
    await giveWay();
    const schemas = toJsonSchemaDefs({ ...shared, ...group }, { ...CONVERSION, typeMode: "input" });
    for (const [name, schema] of Object.entries(schemas)) converted.set(name, schema);
  }
  return converted;
}

const NAMES: ReadonlyMap<v.GenericSchema, string> = new Map(
  [NAMED_SCHEMAS.shared, ...NAMED_SCHEMAS.groups].flatMap((group) =>
    Object.entries(group).map(([name, schema]) => [schema, name] as const),
  ),
);

/** Refers to a schema that has a name. Throws for one that has none. */
export function refTo(schema: v.GenericSchema, where: string): JsonSchema {
  const name = NAMES.get(schema);
  invariant(name !== undefined, `${where}: its schema has no name; give it one in named-schemas.ts`);
  return { $ref: NAMED_AT + name };
}

/** A parameter of an address: what it means once it is read, for its text is what every address holds. */
export function parameterSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...converted } = toJsonSchema(schema, { ...CONVERSION, typeMode: "output" });
  return converted;
}

/** The names that a document refers to, also by way of others. */
export function namesWithin(document: unknown, schemas: ReadonlyMap<string, JsonSchema>): Set<string> {
  const found = new Set<string>();
  const waiting: unknown[] = [document];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    for (const [key, member] of Object.entries(value)) {
      if (key !== "$ref" || typeof member !== "string" || !member.startsWith(NAMED_AT)) {
        waiting.push(member);
        continue;
      }
      const name = member.slice(NAMED_AT.length);
      if (found.has(name)) continue;
      found.add(name);
      waiting.push(schemas.get(name));
    }
  }
  return found;
}
