/** Writes files of 2,000 trades into the directory that it is given until it is killed; prints the path of each. */
import { createTape } from "../../src/tape/mod.ts";
import { DAY, SERIES, spread } from "./support.ts";

const [, , dir] = process.argv;
if (dir === undefined) throw new Error("usage: endless-writer.ts DIR");
const tape = await createTape({ dir });
for (let firstId = 1; ; firstId += 2_000) {
  const batch = spread(2_000, DAY, firstId);
  const [file] = await tape.write({ series: SERIES, batch, range: DAY, origin: "test" });
  process.stdout.write(`${file?.path}\n`);
}
