import { describeDatabases } from "../support/databases.ts";
import { coverageContract } from "./coverage.contract.ts";
import { jobStoreContract } from "./job-store.contract.ts";

describeDatabases("job store", (database) => {
  jobStoreContract(database);
  coverageContract(database);
});
