/**
 * Installs the database servers of the tests, and the languages of the polyglot example, where that is
 * possible: on a Debian system, as root.
 *
 * A server that is missing is no failure; the suites that need it are reported as skipped by their
 * names. No server is started here: each suite starts one of its own.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";

interface TestProgram {
  readonly name: string;
  /** The package of the distribution. */
  readonly package: string;
  /** What is there once it is installed. */
  readonly path: string;
  /** Names a server to use instead. */
  readonly variable?: string;
}

const servers: readonly TestProgram[] = [
  {
    name: "PostgreSQL",
    package: "postgresql",
    path: "/usr/lib/postgresql",
    variable: "SPAWN_TEST_POSTGRES_URL",
  },
  {
    name: "MariaDB",
    package: "mariadb-server",
    path: "/usr/sbin/mariadbd",
    variable: "SPAWN_TEST_MARIADB_URL",
  },
  { name: "OpenSSL", package: "openssl", path: "/usr/bin/openssl" },
  {
    name: "protobuf for Python",
    package: "python3-protobuf",
    path: "/usr/lib/python3/dist-packages/google/protobuf",
  },
  { name: "Go", package: "golang-go", path: "/usr/bin/go" },
  {
    name: "protobuf for Go",
    package: "golang-google-protobuf-dev",
    path: "/usr/share/gocode/src/google.golang.org/protobuf",
  },
];

const missing = servers.filter(
  ({ path, variable }) =>
    !existsSync(path) && (variable === undefined || process.env[variable] === undefined),
);
if (missing.length === 0) {
  console.log(`   ${servers.map(({ name }) => name).join(", ")}: there`);
} else {
  const packages = missing.map((server) => server.package);
  const command = `apt-get install -y ${packages.join(" ")}`;
  if (userInfo().uid === 0 && existsSync("/usr/bin/apt-get")) install(packages);
  else console.log(`   not installed, so their tests are skipped; as root: ${command}`);
}

function install(packages: readonly string[]): void {
  console.log(`   installing ${packages.join(", ")} …`);
  // Run level 1: what is installed is not started.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const run = (...args: readonly string[]): boolean =>
    spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  const all = ["install", "-y", "-qq", ...packages];
  // The lists of packages may be missing or old.
  const isInstalled = run(...all) || (run("update", "-qq") && run(...all));
  console.log(isInstalled ? "   installed" : "   could not be installed: their tests are skipped");
}
