import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface ScratchDirectory extends Disposable {
  readonly path: string;
  /** Lets it stay, for a look at what went wrong. */
  keep(): void;
}

/** A temporary directory that is gone when it is disposed, when the program ends, or is told to. */
export function scratchDirectory(prefix: string): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), prefix));
  let isKept = false;
  const remove = () => {
    if (!isKept) rmSync(path, { recursive: true, force: true });
  };
  const onSignal = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  process.on("exit", remove);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    path,
    keep() {
      isKept = true;
    },
    [Symbol.dispose]() {
      process.off("exit", remove);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      remove();
    },
  };
}
