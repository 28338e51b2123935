/** Finds the commits in what a program says to its database, so that their answers can be swallowed. */
import type { Eavesdropper } from "../packages/spawn-mesh/test/servers/tcp-proxy.ts";

/** Whether a request commits; asked of every piece of what is sent. */
export type CommitSpotter = (request: string) => boolean;

/** The end of the statement that commits a group. */
const POSTGRES_COMMIT = "SELECT i FROM applied";
const MARIADB_COMMIT = "UPDATE spawn_actor SET";
const MARIADB_CREATE = "INSERT INTO spawn_actor";
/** What is tried at the start and taken back looks like one. */
const MARIADB_REHEARSAL = "WHERE 1 = 0";

/**
 * On PostgreSQL the text of a statement is sent once a connection, with the name by which it is called
 * from then on: both follow one another, ended by zeros.
 */
export function postgresSpotter(): CommitSpotter {
  const names = new Set<string>();
  return (request) => {
    let isCommit = false;
    for (let at = request.indexOf(POSTGRES_COMMIT); at !== -1;) {
      const name = /(spawn_\d+)\0WITH (?:(?!spawn_\d+\0)[\s\S])*$/.exec(request.slice(0, at))?.[1];
      if (name !== undefined) names.add(name);
      isCommit = true;
      at = request.indexOf(POSTGRES_COMMIT, at + 1);
    }
    return isCommit || [...names].some((name) => request.includes(`\0${name}\0`));
  };
}

export function mariadbSpotter(): CommitSpotter {
  return (request) =>
    (request.includes(MARIADB_COMMIT) || request.includes(MARIADB_CREATE)) &&
    !request.includes(MARIADB_REHEARSAL);
}

/** Swallows the answers to commits that `shouldSwallow` picks. */
export function swallowCommits(
  newSpotter: () => CommitSpotter,
  shouldSwallow: () => boolean,
): () => Eavesdropper {
  return () => {
    const spotter = newSpotter();
    let isCommitting = false;
    return {
      sent(request) {
        isCommitting ||= spotter(request.toString("latin1"));
      },
      swallows() {
        const swallows = isCommitting && shouldSwallow();
        isCommitting = false;
        return swallows;
      },
    };
  };
}
