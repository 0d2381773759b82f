import { describeDatabases } from "../../support/databases.ts";
import { skeletonContract } from "./skeleton-store.contract.ts";

describeDatabases("the skeleton", skeletonContract);
