/** What cron expressions mean, by croner: five fields, or six that begin with seconds. */
import { Cron } from "croner";
import type { CronTimes } from "../engine/index.ts";

/** What cron expressions mean, for an `Engine` of your own. */
export const cronTimes: CronTimes = (cron, timeZone, after) =>
  new Cron(cron, { timezone: timeZone, mode: "5-or-6-parts" }).nextRun(new Date(after))?.getTime();
