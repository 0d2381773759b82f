import { describeDatabases } from "../support/databases.ts";
import { constraintsContract } from "./constraints.contract.ts";
import { coverageContract } from "./coverage.contract.ts";
import { jobStoreContract } from "./job-store.contract.ts";
import { databaseSubject } from "./store-subject.ts";

describeDatabases("job store", (database) => {
  jobStoreContract(databaseSubject(database));
  coverageContract(databaseSubject(database));
  constraintsContract(database);
});
