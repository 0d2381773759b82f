/** The contracts: what routes and channels take and give, and the documents that say so to other programs. Runs wherever JavaScript runs. */
export { type AsyncApiOptions, asyncApiDocument } from "./asyncapi.ts";
export { CHANNELS, type ChannelContract, type DataContract } from "./channel-contracts.ts";
export { COMMANDS, type CommandContract, EXAMPLE_TOKEN, type PushMethod } from "./command-contracts.ts";
export { type OpenApiOptions, openApiDocument } from "./openapi.ts";
export * from "./route-contract.ts";
export { JOB_SEEN, LEVEL_SET_SEEN, PROFILE_SEEN } from "./seen-answers.ts";
