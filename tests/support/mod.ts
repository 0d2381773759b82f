/** What benchmarks take from the kit of the tests. */
export { postgresCluster } from "./postgres-cluster.ts";
export { seededRandom } from "./trades.ts";
export * from "./whole-window.ts";
