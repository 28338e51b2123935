/**
 * The runs of actions that hosts are working on, for the calls that these make: a call that names its run
 * leaves after the commits that the run could have seen, has no more time than it, and is a cycle if it
 * calls who waits for it.
 */
import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ActionContext } from "spawn-mesh/engine";
import { SpawnError } from "spawn-mesh/engine";
import { RunSchema } from "spawn-mesh/protocol";
import type { HostProgram } from "../host/host-program.ts";

export class RunAtHost {
  readonly context: ActionContext;
  readonly #hosts: readonly HostProgram[];
  #calls = 0;

  constructor(context: ActionContext, hosts: readonly HostProgram[]) {
    this.context = context;
    this.#hosts = hosts;
  }

  /**
   * A call that the run makes. While it waits, another run may have its place at the host: what it waits
   * for may have to run there.
   */
  async call(call: () => Promise<unknown>): Promise<unknown> {
    if (this.#calls++ === 0) for (const host of this.#hosts) host.beginWait();
    try {
      return await call();
    } finally {
      if (--this.#calls === 0) for (const host of this.#hosts) host.endWait();
    }
  }
}

const runs = new Map<string, RunAtHost>();

/**
 * The fields that tell a host about a run, to be put behind those of its `ActorInvocation`.
 *
 * @param hosts who may be asked for it
 */
export function beginRun(
  context: ActionContext,
  hosts: readonly HostProgram[],
): { readonly id: string; readonly fields: Buffer } {
  const id = randomUUID();
  const run = create(RunSchema, { runId: id, revision: BigInt(context.revision) });
  runs.set(id, new RunAtHost(context, hosts));
  return { id, fields: Buffer.from(toBinary(RunSchema, run)) };
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
export function runOf(request: Uint8Array): RunAtHost | undefined {
  const { runId } = fromBinary(RunSchema, request, { readUnknownFields: false });
  if (runId === "") return undefined;
  const run = runs.get(runId);
  if (run !== undefined) return run;
  throw new SpawnError("CANCELLED", "the action that makes this call is over");
}
