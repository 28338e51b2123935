import type { SqlDriver } from "./dialect.ts";
import { text } from "./sql.ts";

/**
 * Fails unless actors can be written: whoever may only read them would start a system whose every change
 * fails. Nothing is changed.
 */
export async function checkWritable(driver: SqlDriver): Promise<void> {
  await driver.rehearse([
    text("INSERT INTO spawn_actor SELECT * FROM spawn_actor WHERE 1 = 0"),
    text("UPDATE spawn_actor SET rev = rev WHERE 1 = 0"),
    text("DELETE FROM spawn_actor WHERE 1 = 0"),
  ]);
}
