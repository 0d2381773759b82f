import { acquireDataDirLock, openEmbedded } from "../../db/mod.ts";
import { createJobStore } from "../../src/backfill/job-store.ts";
import { processProbe, templateOptions } from "./databases.ts";

/** Opens the embedded database of the folder in its first argument and prints each symbol after its commit, until it is killed. */
const lock = await acquireDataDirLock(process.argv[2] ?? "", processProbe);
const database = await openEmbedded({
  lock,
  template: templateOptions,
  onFatal: (error) => {
    throw error;
  },
});
const store = createJobStore(database);
const scales = { priceScale: 2, sizeScale: 5, tickUnits: 1, lotUnits: 1, binUnits: 10 };
for (let n = 0; ; n++) {
  await store.ensureSeries({ venue: "binance", market: "spot", symbol: `S${n}`, ...scales });
  console.log(`S${n}`);
}
