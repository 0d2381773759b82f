import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import * as v from "valibot";

const Described = v.looseObject({
  components: v.looseObject({ schemas: v.record(v.string(), v.record(v.string(), v.unknown())) }),
});

/** Says what a value breaks of a document's named schema; an empty list when it keeps it. */
export type SchemaCheck = (name: string, value: unknown) => string[];

/** Checks values against the named schemas of a contract, with a validator that knows nothing of valibot. */
export function schemaCheck(dialect: "2020-12" | "draft-07", document: unknown): SchemaCheck {
  const { components } = v.parse(Described, document);
  const options = { strict: false, validateFormats: false, allErrors: true };
  const ajv = dialect === "2020-12" ? new Ajv2020(options) : new Ajv(options);
  ajv.addSchema({ $id: "contract", components });
  return (name, value) => {
    const validate = ajv.getSchema(`contract#/components/schemas/${name}`);
    if (validate === undefined) throw new Error(`the contract has no schema ${name}`);
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map((error) => `${name}${error.instancePath} ${error.message}`);
  };
}

/** Of the formats that parameters have, as far as texts tell. */
const FORMATS = { date: /^\d{4}-\d\d-\d\d$/, uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i };
const plain = new Ajv2020({ strict: false, formats: FORMATS });

/** Whether a value fits a schema that refers to no other. */
export function fitsSchema(schema: Readonly<Record<string, unknown>>, value: unknown): boolean {
  return plain.validate(schema, value);
}
