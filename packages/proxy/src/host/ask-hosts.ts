/** Asks whichever host of an actor can be reached. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cancellation } from "spawn-mesh/engine";
import { HostUnavailable } from "./host-program.ts";
import type { HostAnswer, HostCall, HostProgram } from "./host-program.ts";

/** How long to wait before each further round, in milliseconds: a host that restarts is back soon. */
const ROUNDS_MS: readonly number[] = [20, 80, 200, 400];

/**
 * Asks the hosts one after the other, as long as those before have certainly not begun, and all of them
 * again for a moment. A host that is started again may be another one, so each round asks those of now.
 *
 * @param callFor what a host is sent: each has a spelling of its own
 * @throws {HostUnavailable}, `BadResponse`, and the reason of the cancellation when there is one
 */
export async function askHosts(
  hostsNow: () => readonly [HostProgram, ...HostProgram[]],
  callFor: (host: HostProgram) => HostCall,
  cancellation: Cancellation,
): Promise<HostAnswer> {
  for (let round = 0; ; round++) {
    const hosts = hostsNow();
    for (const [index, host] of hosts.entries()) {
      try {
        return await host.call(callFor(host), cancellation);
      } catch (error) {
        if (!(error instanceof HostUnavailable) || !error.isUnsent) throw error;
        const isLast = index === hosts.length - 1;
        if (isLast && round === ROUNDS_MS.length) throw error;
      }
    }
    await sleep(ROUNDS_MS[round]);
    if (cancellation.reason !== undefined) throw cancellation.reason;
  }
}
