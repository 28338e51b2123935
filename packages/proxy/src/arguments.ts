/** The program is configured by its environment and takes no arguments; this is what it says to whoever gives it some. */

const USAGE = `usage: spawn-proxy

The sidecar of Spawn Mesh. It takes no arguments: variables of the environment say what it does. The first ones are

  PROXY_HTTP_PORT           where it listens on 127.0.0.1; default 9001
  USER_FUNCTION_PORT        where a host listens that does not say it; default 8090
  PROXY_ACTOR_SYSTEM_NAME   the system of whoever names none; default spawn-system
  PROXY_DATABASE_TYPE       sqlite, postgres, mysql, mariadb, cockroachdb, mssql or memory; default sqlite
  PROXY_DATABASE_NAME       the file, or the database on a server; default .spawn/state.db
  SPAWN_STATESTORE_KEY      encrypts what is stored; a server needs one

All of them are in docs/guides/sidecar.md of the repository. SIGTERM ends it when what is queued is done.
`;

/** What is printed, and the status that it ends with. */
export interface Saying {
  readonly text: string;
  readonly status: number;
}

/** `undefined` without arguments: then it starts. */
export function sayingTo(given: readonly string[]): Saying | undefined {
  const [first] = given;
  if (first === undefined) return undefined;
  if (first === "--help" || first === "-h") return { text: USAGE, status: 0 };
  return { text: `spawn-proxy: it takes no arguments, got ${first}\n\n${USAGE}`, status: 2 };
}
