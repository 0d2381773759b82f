/** The contracts: what routes and channels take and give, and the documents that say so to other programs. Runs wherever JavaScript runs. */
export { type OpenApiOptions, openApiDocument } from "./openapi.ts";
export * from "./route-contract.ts";
