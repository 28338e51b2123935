import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** A temporary directory that is gone when it is disposed, when the program ends, or is told to. */
export function scratchDirectory(prefix: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const remove = () => rmSync(path, { recursive: true, force: true });
  const onSignal = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  process.on("exit", remove);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      remove();
    },
  };
}
