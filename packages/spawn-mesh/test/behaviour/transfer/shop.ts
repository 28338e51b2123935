/** A shop that goes from one statestore to another: what is in it, and its ways out and in. */
import { expect } from "vitest";
import { actor } from "spawn-mesh";
import type { Statestore } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { exportSystem, importSystem } from "spawn-mesh/transfer";
import { exportFrom } from "../../../src/statestores/transfer/export-system.ts";
import { startSystem } from "../start-system.ts";

export const cart = actor("cart", {
  kind: "unnamed",
  state: () => ({ items: [] as string[], got: 0 }),
  snapshotTimeoutMs: 1,
  actions: {
    add(ctx, item: string) {
      ctx.state.items.push(item);
      ctx.send("bob", { definition: "cart", action: "gift", payload: item, delayMs: 60_000 });
      return ctx.state.items.length;
    },
    gift(ctx) {
      return ++ctx.state.got;
    },
    fails() {
      throw new Error("never");
    },
  },
});
export const actors = [cart];

/** A stopped system with a bit of everything. */
export async function filled(inner: Statestore = memoryStatestore()): Promise<Statestore> {
  const { system } = await startSystem(actors, { name: "shop", inner });
  for (const name of ["ann", "bob", "cat"]) {
    await system.actor(cart, name).add("tea", { idempotencyKey: "k" });
    await system.actor(cart, name).add("pot");
  }
  await system.stored(cart, "cat").delete();
  await system.stop();
  return inner;
}

export async function exported(store: Statestore, options = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of exportSystem(store, "shop", options)) parts.push(part);
  return Buffer.concat(parts);
}

/** The lines between the first and the last one: those do not tell one export from another. */
export async function rowsOf(store: Statestore, options = {}): Promise<readonly string[]> {
  const parts: Uint8Array[] = [];
  await store.open({ owner: "reader" });
  for await (const part of exportFrom(store, "shop", options)) parts.push(part);
  await store.close();
  const lines = Buffer.concat(parts).toString().split("\n");
  return lines.filter((line) => line.startsWith('{"kind"'));
}

export async function imported(
  store: Statestore,
  stream: Buffer | readonly Buffer[],
  options = {},
) {
  return await importSystem(store, [stream].flat(), { system: "shop", ...options });
}

/** Starts the system on a statestore; answers how that ended. */
export async function startOf(inner: Statestore): Promise<string> {
  try {
    const { system } = await startSystem(actors, { name: "shop", inner });
    await system.stop();
    return "started";
  } catch (error) {
    return (error as Error).message;
  }
}

export const NOT_STARTED = expect.stringContaining("holds only a part of shop");
