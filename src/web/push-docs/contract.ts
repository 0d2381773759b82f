import * as v from "valibot";

/** The parts of `/asyncapi.json` that the page shows. */

const Ref = v.object({ $ref: v.string() });
const Example = v.object({ name: v.string(), summary: v.string(), payload: v.unknown() });

const Message = v.object({
  name: v.string(),
  summary: v.string(),
  payload: Ref,
  examples: v.optional(v.array(Example), []),
});
export type Message = v.InferOutput<typeof Message>;

const Part = v.object({ description: v.string(), examples: v.array(v.string()) });

const Channel = v.object({
  address: v.nullable(v.string()),
  title: v.string(),
  summary: v.optional(v.string(), ""),
  description: v.string(),
  parameters: v.optional(v.record(v.string(), Part), {}),
  messages: v.record(v.string(), Ref),
});
export type Channel = v.InferOutput<typeof Channel>;

const Operation = v.object({
  action: v.picklist(["send", "receive"]),
  summary: v.string(),
  messages: v.array(Ref),
  reply: v.optional(v.object({ messages: v.array(Ref) })),
});
export type Operation = v.InferOutput<typeof Operation>;

const Server = v.object({ pathname: v.string(), protocol: v.string(), description: v.string() });

export const Contract = v.object({
  info: v.object({ title: v.string(), version: v.string(), description: v.string() }),
  servers: v.record(v.string(), Server),
  channels: v.record(v.string(), Channel),
  operations: v.record(v.string(), Operation),
  components: v.object({
    messages: v.record(v.string(), Message),
    schemas: v.record(v.string(), v.unknown()),
  }),
});
export type Contract = v.InferOutput<typeof Contract>;

/** The last step of a reference: the name of what it refers to. */
export function nameOf({ $ref }: { readonly $ref: string }): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}
