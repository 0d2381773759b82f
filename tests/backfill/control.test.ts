import { describeDatabases } from "../support/databases.ts";
import { controlContract } from "./control.contract.ts";
import { databaseSubject } from "./store-subject.ts";

describeDatabases("job control", (database) => controlContract(databaseSubject(database)));
