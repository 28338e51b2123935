/**
 * The runs of actions that hosts are working on, for the calls that these make: a call that names its run
 * leaves after the commits that the run could have seen, has no more time than it, and is a cycle if it
 * calls who waits for it.
 */
import { randomUUID } from "node:crypto";
import type { ActionContext } from "spawn-mesh/engine";
import { SpawnError } from "spawn-mesh/engine";
import { RunSchema } from "spawn-mesh/protocol";
import type { InvocationRequest } from "spawn-mesh/protocol";
import { furtherFields } from "../further-fields.ts";
import type { HostProgram } from "../host/host-program.ts";

export class RunAtHost {
  readonly context: ActionContext;
  readonly #hostsNow: () => readonly HostProgram[];
  #waitedAt: readonly HostProgram[] = [];
  #calls = 0;

  constructor(context: ActionContext, hostsNow: () => readonly HostProgram[]) {
    this.context = context;
    this.#hostsNow = hostsNow;
  }

  /**
   * A call that the run makes. While it waits, another run may have its place at the host: what it waits
   * for may have to run there.
   */
  async call(call: () => Promise<unknown>): Promise<unknown> {
    if (this.#calls++ === 0) this.#beginWait();
    try {
      return await call();
    } finally {
      if (--this.#calls === 0) for (const host of this.#waitedAt) host.endWait();
    }
  }

  #beginWait(): void {
    this.#waitedAt = this.#hostsNow();
    for (const host of this.#waitedAt) host.beginWait();
  }
}

const runs = new Map<string, RunAtHost>();

/**
 * A run begins; answers the id by which calls name it.
 *
 * @param hostsNow who may be asked for it
 */
export function beginRun(context: ActionContext, hostsNow: () => readonly HostProgram[]): string {
  const id = randomUUID();
  runs.set(id, new RunAtHost(context, hostsNow));
  return id;
}

/** The host has answered, or never will. */
export function endRun(id: string): void {
  runs.delete(id);
}

/**
 * The run that makes a call, if the request says so.
 *
 * @throws {SpawnError} `CANCELLED` when that run is over
 */
export function runOf(request: InvocationRequest): RunAtHost | undefined {
  const { runId = "" } = furtherFields(RunSchema, request) ?? {};
  if (runId === "") return undefined;
  const run = runs.get(runId);
  if (run !== undefined) return run;
  throw new SpawnError("CANCELLED", "the action that makes this call is over");
}
