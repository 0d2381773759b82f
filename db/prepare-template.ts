import { argv, exit } from "node:process";
import { PGlite } from "@electric-sql/pglite";
import { btree_gist } from "@electric-sql/pglite/contrib/btree_gist";

/** Entry point of the child process that `prepareTemplate` starts: its one argument is the folder to fill. */

/** 16 MB instead of 128 saves 115 MB of resident memory in the server (measured 290 → 174). */
const POSTGRESQL_CONF = ["shared_buffers = 16MB"];

const dir = argv[2];
if (dir === undefined) {
  console.error("usage: prepare-template.ts DIR");
  exit(2);
}
const database = await PGlite.create({
  dataDir: dir,
  extensions: { btree_gist },
  postgresqlconf: POSTGRESQL_CONF,
});
await database.close();
exit(0);
