/** What the actors of `effects` have done outside: a line in a file, which nothing takes back. */
import { appendFileSync, existsSync } from "node:fs";
import { external, fail } from "spawn-mesh";
import type { External } from "spawn-mesh";
import { GATE } from "./effects-nodes.ts";

const [, outsideFile = "", mendedFile = ""] = process.argv.slice(2);

export const outside: External<string> = external("outside", (name, { id }) => note(name, id));

/** Whether the parent has said that what is broken works again. */
export function isMended(): boolean {
  return existsSync(mendedFile);
}

/** Refuses, so that what asks for it is parked, until it is mended. */
export const gate: External<string> = external(GATE, (name, { id }) =>
  isMended() ? note(name, id) : fail("closed"),
);

function note(name: string, id: string): void {
  appendFileSync(outsideFile, `${name} ${id}\n`);
}
