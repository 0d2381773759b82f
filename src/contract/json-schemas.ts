import {
  type ConversionConfig,
  type JsonSchema,
  toJsonSchema,
  toJsonSchemaDefs,
} from "@valibot/to-json-schema";
import type * as v from "valibot";
import { invariant } from "../core/mod.ts";
import { nameOf, type SchemaGroup, SHARED } from "./named-schemas.ts";

export type { JsonSchema };

/** Where a document keeps its named schemas. */
const NAMED_AT = "#/components/schemas/";

const CONVERSION = {
  errorMode: "throw",
  /** What JSON Schema cannot say is told in words: by descriptions, and by the faults of a refused request. */
  ignoreActions: ["check", "trim", "to_lower_case", "finite"],
  overrideRef: ({ referenceId }) => NAMED_AT + referenceId,
} as const satisfies ConversionConfig;

export interface NamingOptions {
  /** The dialect: OpenAPI 3.1 has the one of 2020-12, AsyncAPI 3.0 draft 7. */
  readonly target: "draft-2020-12" | "draft-07";
  /** Lets others have their turn between two groups. */
  readonly giveWay: () => Promise<void>;
}

/** Named schemas as JSON Schema, by name. A schema refers by name to those of its own group and to the shared ones. */
export async function namedJsonSchemas(
  groups: readonly SchemaGroup[],
  { target, giveWay }: NamingOptions,
): Promise<Map<string, JsonSchema>> {
  const converted = new Map<string, JsonSchema>();
  for (const group of groups) {
    await giveWay();
    const schemas = toJsonSchemaDefs({ ...SHARED, ...group }, { ...CONVERSION, target, typeMode: "input" });
    for (const [name, schema] of Object.entries(schemas)) converted.set(name, schema);
  }
  return converted;
}

/** Refers to a schema that has a name. Throws for one that has none. */
export function refTo(schema: v.GenericSchema, where: string): JsonSchema {
  const name = nameOf(schema);
  invariant(name !== undefined, `${where}: its schema has no name; give it one in named-schemas.ts`);
  return { $ref: NAMED_AT + name };
}

/** Refers to a schema by its name. */
export function refToName(name: string): JsonSchema {
  return { $ref: NAMED_AT + name };
}

/** A parameter of an address: what it means once it is read, for its text is what every address holds. */
export function parameterSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...converted } = toJsonSchema(schema, {
    ...CONVERSION,
    target: "draft-2020-12",
    typeMode: "output",
  });
  return converted;
}

/** Values looked through in one turn. */
const VALUES_PER_TURN = 2_000;

/** The names that a document refers to, also by way of others. */
export async function namesWithin(
  document: unknown,
  schemas: ReadonlyMap<string, JsonSchema>,
  giveWay: () => Promise<void>,
): Promise<Set<string>> {
  const found = new Set<string>();
  const waiting: unknown[] = [document];
  for (let looked = 0; waiting.length > 0; looked++) {
    if (looked % VALUES_PER_TURN === 0) await giveWay();
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
