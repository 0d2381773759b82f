import { describeDatabases } from "../support/databases.ts";
import { constraintsContract } from "./constraints.contract.ts";
import { coverageContract } from "./coverage.contract.ts";
import { jobStoreContract } from "./job-store.contract.ts";
import { databaseSubject } from "./store-subject.ts";
import { takeAlongContract } from "./take-along.contract.ts";

describeDatabases("job store", (database) => {
  jobStoreContract(databaseSubject(database));
  takeAlongContract(databaseSubject(database));
  coverageContract(databaseSubject(database));
  constraintsContract(database);
});
