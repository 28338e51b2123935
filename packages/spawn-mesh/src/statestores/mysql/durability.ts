/** Settings of a MySQL or MariaDB server with which it may lose what it has confirmed. */
import { SpawnError } from "../../engine/errors.ts";
import type { StoreWarning } from "../../engine/statestore.ts";
import type { SqlDriver } from "../sql/dialect.ts";
import { textOf } from "../sql/driver-values.ts";
import { text } from "../sql/sql.ts";

const wanted = [
  "innodb_flush_log_at_trx_commit",
  "innodb_doublewrite",
  "log_bin",
  "sync_binlog",
  "read_only",
  "innodb_read_only",
  "wsrep_on",
  "max_allowed_packet",
];

/** The packet that holds the largest state of the engine, as a hexadecimal literal of its bytes, if a letter is one byte. */
const PACKET_BYTES_MIN = 64 * 1024 * 1024;

export async function checkDurability(driver: SqlDriver): Promise<readonly StoreWarning[]> {
  const names = wanted.map((name) => `'${name}'`).join(", ");
  const { rows } = await driver.query(
    text(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`),
  );
  const values = new Map(rows.map(([name, value]) => [textOf(name), textOf(value)]));
  if (isOn(values.get("read_only")) || isOn(values.get("innodb_read_only"))) throw readOnly();
  return Object.entries(risks).flatMap(([setting, { isRisky, risk }]) => {
    const value = values.get(setting);
    return value !== undefined && isRisky(value, values) ? [{ setting, value, risk }] : [];
  });
}

interface Risk {
  readonly isRisky: (value: string, values: ReadonlyMap<string, string>) => boolean;
  readonly risk: string;
}

const risks: Readonly<Record<string, Risk>> = {
  innodb_flush_log_at_trx_commit: {
    // 3 is MariaDB's, and syncs more than 1.
    isRisky: (value) => value !== "1" && value !== "3",
    risk: "a crash loses the last acknowledged changes, those of up to a second",
  },
  innodb_doublewrite: {
    // MySQL can also keep just enough to find such pages.
    isRisky: (value) => !isOn(value) || value === "DETECT_ONLY",
    risk: "a power failure may leave half-written pages",
  },
  sync_binlog: {
    isRisky: (value, values) => isOn(values.get("log_bin")) && value !== "1",
    risk: "after a crash the replicas may lack acknowledged changes, or have others",
  },
  wsrep_on: {
    isRisky: isOn,
    risk: "a Galera cluster that is written to at several nodes refuses commits late; give the address of one node",
  },
  max_allowed_packet: {
    isRisky: (value) => Number(value) < PACKET_BYTES_MIN,
    risk: `states that take more than half of it in UTF-8 are refused; ${PACKET_BYTES_MIN} holds the largest that the platform makes if it is in Latin letters, twice as much any`,
  },
};

function isOn(value: string | undefined): boolean {
  return value !== undefined && !["OFF", "0", "NO"].includes(value.toUpperCase());
}

function readOnly(): SpawnError {
  return new SpawnError(
    "STATESTORE_UNAVAILABLE",
    "the database only lets itself be read: nothing can be stored there; give the address of the primary",
  );
}
