/** What cron expressions mean, by croner: five fields, or six that begin with seconds. */
import { Cron } from "croner";
import type { CronTimes } from "../engine/index.ts";

/** What cron expressions mean, for an `Engine` of your own. */
export const cronTimes: CronTimes = (cron, timeZone, after) => {
  try {
    return new Cron(cron, { timezone: timeZone, mode: "5-or-6-parts" })
      .nextRun(new Date(after))
      ?.getTime();
  } catch (cause) {
    if (!isTimeZone(timeZone)) throw wrongTimeZone(timeZone, cause);
    const fields = String(cron).trim().split(/\s+/).length;
    throw fields === 5 || fields === 6 ? cause : wrongFields(fields, cause);
  }
};

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Croner speaks of seven. */
function wrongFields(fields: number, cause: unknown): Error {
  const expected = "expected five fields, or six that begin with seconds";
  return new Error(`${expected}; got ${fields}`, { cause });
}

/** Croner says of it that some date could not be converted. */
function wrongTimeZone(timeZone: string, cause: unknown): Error {
  const got = JSON.stringify(timeZone);
  return new Error(`timeZone: expected the IANA name of one, such as "Europe/Berlin", got ${got}`, {
    cause,
  });
}
