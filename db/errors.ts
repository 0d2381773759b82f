/** Another live process owns the data directory. `url` is where it serves, once it has published that. */
export class DataDirBusy extends Error {
  override readonly name = "DataDirBusy";
  readonly dataDir: string;
  readonly pid: number;
  readonly url: string | undefined;

  constructor(dataDir: string, pid: number, url: string | undefined) {
    super(
      `cannot use the data directory ${dataDir}: process ${pid} holds its lock${
        url === undefined ? " and has not published an address yet" : ` and serves at ${url}`
      }; stop it, talk to it, or choose another DATA_DIR`,
    );
    this.dataDir = dataDir;
    this.pid = pid;
    this.url = url;
  }
}

export type DatabaseStep = "template" | "open" | "migrate" | "close" | "run";

/** The database could not be opened, brought up to date, kept running or closed. */
export class DatabaseFailure extends Error {
  override readonly name = "DatabaseFailure";
  readonly step: DatabaseStep;

  constructor(step: DatabaseStep, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.step = step;
  }
}

/** The text of anything thrown. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message === "" ? thrown.name : thrown.message;
  return String(thrown);
}
