/** Who may import whom. A folder that stands here neither as key nor under `venues/` has no place in the house. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  protocol: ["core"],
  contract: ["core", "protocol"],
  store: ["core"],
  tape: ["core"],
  // The port and the registry; each venue's own folder is `venues/*`.
  venues: ["core", "venues/*"],
  "venues/*": ["core", "venues"],
  simulator: ["core"],
  backfill: ["core", "store", "tape", "venues", "db"],
  schedule: ["core", "protocol", "db"],
  webhook: ["core", "protocol", "db"],
  live: ["core", "store", "tape", "venues", "db", "backfill"],
  upkeep: ["core", "store", "tape", "venues", "db"],
  replay: ["core", "store", "tape", "venues", "db"],
  push: ["core", "protocol", "store", "backfill", "upkeep"],
  http: ["core", "protocol", "contract", "store", "backfill", "upkeep"],
  auth: ["core", "protocol", "push"],
  web: ["core", "protocol", "client"],
  client: ["core", "protocol"],
  runtime: ["core", "protocol", "http", "push", "simulator"],
  // Commands talk to a running server as any other program does.
  cli: ["core", "protocol", "client", "auth"],
  db: ["core"],
  // Composition and commands wire everything together.
  config: ["*"],
  app: ["*"],
  scripts: ["*"],
};

/** Folders that may take types, and nothing that runs, from the folders they import. */
export const TYPES_ONLY: readonly string[] = ["db"];

/** What runs wherever `fetch` exists: told the time, given its chance, without a runtime of its own. */
export const PORTABLE: readonly string[] = ["core", "protocol", "contract", "client", "http", "auth"];

/** The only folder that names Bun's server and the process. */
export const RUNTIME = "runtime";

/** Lines of a file; near it, look for the second noun. */
export const LINES_MAX = 300;

/** Scripts that are started by hand; the others are named in package.json. */
export const STARTED_BY_HAND = /^scripts\/bench\/[^/]+\.ts$/;

/** Files over {@link LINES_MAX} lines, each with its reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

/** What may be missing outside CI, recorded data and a browser: the helpers that skip tests, and no others. */
export const SKIPPING_HELPERS: readonly string[] = [
  "tests/support/shared-data.ts",
  "tests/support/chromium.ts",
];

/** The folder a file belongs to, by the names of {@link MAY_IMPORT}: `core`, `venues/binance`, `app`, `db`, … */
export function folderOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] !== "src") return parts[0]!;
  const name = parts[1]!;
  if (parts.length === 2) return name.replace(/\.tsx?$/, "");
  return name === "venues" && parts.length > 3 ? `venues/${parts[2]}` : name;
}

/** The row of {@link MAY_IMPORT} for a folder. */
export function rowOf(folder: string): string {
  return folder.startsWith("venues/") ? "venues/*" : folder;
}
