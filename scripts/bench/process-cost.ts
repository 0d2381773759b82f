import { readFile } from "node:fs/promises";

/** Ticks of the kernel's processor clock in a second (`getconf CLK_TCK`, 100 on every Linux of today). */
const TICKS_PER_SECOND = 100;

export interface ProcessCost {
  /** Processor time since the process began, seconds. */
  readonly cpuSeconds: number;
  /** Resident memory now, and at its highest, MB. */
  readonly rssMb: number;
  readonly peakMb: number;
}

/** What a process costs, as the kernel counts it. */
export async function processCost(pid: number): Promise<ProcessCost> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  // The second field is the program's name in brackets; user and system time are the 14th and 15th of all.
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
  return {
    cpuSeconds: (user! + system!) / TICKS_PER_SECOND,
    rssMb: mb("VmRSS"),
    peakMb: mb("VmHWM"),
  };
}
