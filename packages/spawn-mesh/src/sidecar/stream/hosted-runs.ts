/** The runs of actions that a sidecar asks for over its stream. */
import { SpawnError } from "../../engine/index.ts";
import { FrameKind } from "../../protocol/index.ts";
import type { StreamConnection } from "../../protocol/index.ts";
import { goneCaller } from "../callback-server.ts";
import { failureOf } from "../hosted-actors.ts";
import type { HostedActors } from "../hosted-actors.ts";
import { RunsUnderWay } from "../runs-under-way.ts";

/** Who may end a run early, by its id on the connection that it came on. */
type Aborts = Map<number, AbortController>;

export class HostedRuns {
  readonly #actors: HostedActors;
  readonly #connections = new Map<StreamConnection, Aborts>();
  readonly #runs = new RunsUnderWay();
  #isLeaving = false;

  constructor(actors: HostedActors) {
    this.#actors = actors;
  }

  /** Runs what is asked for, and answers it on the same connection. */
  run(connection: StreamConnection, id: number, body: Buffer): void {
    if (this.#isLeaving) return connection.answer(id, FrameKind.declined);
    void this.#runs.during(() => this.#run(connection, id, body));
  }

  /** Answers a run whose bytes were too many to be read. */
  refuse(connection: StreamConnection, id: number, bytes: number): void {
    const error = new SpawnError("PAYLOAD_TOO_LARGE", `a run of ${bytes} bytes is not read here`);
    connection.answer(id, FrameKind.failed, failureOf(error));
  }

  /** Nobody waits for a run any more. */
  cancel(connection: StreamConnection, id: number): void {
    this.#connections.get(connection)?.get(id)?.abort(goneCaller());
  }

  /** Nobody waits for any of the runs that came on that connection. */
  lost(connection: StreamConnection): void {
    const aborts = this.#connections.get(connection);
    this.#connections.delete(connection);
    for (const abort of aborts?.values() ?? []) abort.abort(goneCaller());
  }

  /** Begins no more, and lets what runs come to an end for so long. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#isLeaving = true;
    await this.#runs.idle(drainTimeoutMs);
  }

  async #run(connection: StreamConnection, id: number, body: Buffer): Promise<void> {
    const aborts = this.#abortsOf(connection);
    const abort = new AbortController();
    aborts.set(id, abort);
    const answer = await this.#actors.answer(body, abort.signal);
    connection.answer(id, answer.isOk ? FrameKind.done : FrameKind.failed, answer.body);
    aborts.delete(id);
  }

  #abortsOf(connection: StreamConnection): Aborts {
    const known = this.#connections.get(connection);
    if (known !== undefined) return known;
    const aborts: Aborts = new Map();
    this.#connections.set(connection, aborts);
    return aborts;
  }
}
