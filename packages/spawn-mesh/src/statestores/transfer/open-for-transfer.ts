import { randomUUID } from "node:crypto";
import type { Statestore, StoreSession } from "../../engine/statestore.ts";
import { translated } from "./failures.ts";

/** Opens a statestore for somebody who is no actor system; `serving`: whose rows are to be changed. */
export async function openForTransfer(
  store: Statestore,
  purpose: "export" | "import",
  serving: Pick<StoreSession, "system" | "cluster"> = {},
): Promise<void> {
  try {
    await store.open({ owner: `${purpose} ${randomUUID()}`, ...serving });
  } catch (error) {
    throw translated(`the statestore cannot be opened for an ${purpose}`, error);
  }
}
