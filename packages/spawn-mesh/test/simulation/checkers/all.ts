import type { RunLog, Violation } from "../run-log.ts";
import { checkBounds } from "./bounds.ts";
import { checkBroadcasts } from "./broadcasts.ts";
import { checkBrokenRows } from "./broken-rows.ts";
import { checkCancels } from "./cancels.ts";
import { checkChains } from "./chains.ts";
import { checkDeliveries } from "./deliveries.ts";
import { checkEffects } from "./effects.ts";
import { checkEndings } from "./endings.ts";
import { checkExpiries } from "./expiries.ts";
import { checkForeignRows } from "./foreign-rows.ts";
import { checkGate } from "./gate.ts";
import { checkIndexes } from "./indexes.ts";
import { checkLanes } from "./lanes.ts";
import { checkListAppends } from "./list-append.ts";
import { checkPurges } from "./purges.ts";
import { checkRecollections } from "./recollections.ts";
import { checkRestores } from "./restores.ts";
import { checkSessions } from "./sessions.ts";
import { checkTicks } from "./ticks.ts";
import { checkWriteBehind } from "./write-behind.ts";

/** Everything that is wrong with a run. */
export function checkRun(log: RunLog): readonly Violation[] {
  return [
    checkChains,
    checkListAppends,
    checkGate,
    checkSessions,
    checkForeignRows,
    checkBrokenRows,
    checkBounds,
    checkWriteBehind,
    checkEffects,
    checkDeliveries,
    checkBroadcasts,
    checkCancels,
    checkLanes,
    checkTicks,
    checkIndexes,
    checkPurges,
    checkEndings,
    checkExpiries,
    checkRestores,
    checkRecollections,
  ].flatMap((check) => check(log));
}
