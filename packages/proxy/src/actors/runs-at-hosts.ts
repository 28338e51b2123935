/**
 * The runs of actions that hosts are working on, for the calls that these make: a call that names its run
 * leaves after the commits that the run could have seen, has no more time than it, and is a cycle if it
 * calls who waits for it.
 */
import { randomUUID } from "node:crypto";
import type { ActionContext } from "spawn-mesh/engine";
import { SpawnError } from "spawn-mesh/engine";
import { RunSchema, furtherFields } from "spawn-mesh/protocol";
import type { InvocationRequest } from "spawn-mesh/protocol";
import type { HostProgram } from "../host/host-program.ts";

export class RunAtHost {
  /** By which calls name it. */
  readonly id: string = randomUUID();
  readonly context: ActionContext;
  /** Who was asked for it last: nobody else has begun with it. */
  host: HostProgram | undefined;
  #waitsAt: HostProgram | undefined;
  #calls = 0;

  constructor(context: ActionContext) {
    this.context = context;
    runs.set(this.id, this);
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
      if (--this.#calls === 0) this.#endWait();
    }
  }

  /** The host has answered, or never will. Calls that it left alone have no place there. */
  end(): void {
    runs.delete(this.id);
    this.#endWait();
  }

  #beginWait(): void {
    this.#waitsAt = this.host;
    this.#waitsAt?.beginWait();
  }

  #endWait(): void {
    this.#waitsAt?.endWait();
    this.#waitsAt = undefined;
  }
}

const runs = new Map<string, RunAtHost>();

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
