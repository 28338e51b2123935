import { randomUUID } from "node:crypto";
import type { Statestore } from "../../engine/statestore.ts";
import { translated } from "./failures.ts";

/** Opens a statestore for somebody who is no actor system. */
export async function openForTransfer(
  store: Statestore,
  purpose: "export" | "import",
): Promise<void> {
  try {
    await store.open({ owner: `${purpose} ${randomUUID()}` });
  } catch (error) {
    throw translated(`the statestore cannot be opened for an ${purpose}`, error);
  }
}
