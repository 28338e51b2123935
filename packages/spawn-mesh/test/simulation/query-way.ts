/** One incarnation's way to finding actors, and to what they are found by. */
import type { ActorQueries } from "../../src/engine/actor-queries.ts";
import type { ConnectionParts } from "./connection.ts";
import { read, write } from "./message-way.ts";

/** @param reach what finds actors, as the session reaches it when a request arrives */
export function queryWay(parts: ConnectionParts, reach: () => ActorQueries): ActorQueries {
  const { world } = parts;
  return {
    async list(page) {
      const wall = world.wall();
      // Nobody but the engine asks for what has not changed for so long.
      const isLook = page.changedBefore !== undefined;
      if (isLook) world.onLook();
      return await read(parts, () => {
        if (isLook) world.looks.push({ sequence: world.next(), wall });
        return reach().list(page);
      });
    },
    reindex: (rewrites) => write(parts, () => reach().reindex(rewrites)),
  };
}
