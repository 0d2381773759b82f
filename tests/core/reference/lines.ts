import { readFileSync } from "node:fs";

/** Rows of a CSV file below its heading, as text. */
export function csvRows(path: string): string[][] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(","));
}
