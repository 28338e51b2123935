/** A worker that is started again whenever it is killed; requests go to the life of the moment. */
import { DiedAtStart, KillableWorker, type Answer, type WorkerProgram } from "./killable-worker.ts";

export class RestartedWorker {
  readonly #program: WorkerProgram;
  readonly #onDeath: (() => void) | undefined;
  #life: Promise<KillableWorker>;
  #killed: KillableWorker | undefined;

  private constructor(program: WorkerProgram, onDeath: (() => void) | undefined) {
    this.#program = program;
    this.#onDeath = onDeath;
    this.#life = this.#begin();
  }

  /** @param options `onDeath`: hears that the program ended itself with SIGKILL; without it, it must not */
  static async start(
    program: WorkerProgram,
    { onDeath }: { readonly onDeath?: () => void } = {},
  ): Promise<RestartedWorker> {
    const worker = new RestartedWorker(program, onDeath);
    await worker.#life;
    return worker;
  }

  /** Waits for the present life to take requests. @throws if the process ends as it should not */
  async ask(request: unknown): Promise<Answer> {
    const life = await this.#life;
    const answer = await life.ask(request);
    if (answer.type !== "gone") return answer;
    // The line may break before it is known how the process ended.
    await life.ended;
    const isExpected = life === this.#killed || (this.#onDeath !== undefined && life.wasKilled);
    if (!isExpected) throw new Error("a worker ended by itself");
    return answer;
  }

  /** Kills the present life; resolves when it is gone. Its successor is starting then. */
  async kill(): Promise<void> {
    const life = await this.#life;
    // All who are told that the life is over find the next one here.
    this.#life = life.ended.then(() => this.#begin());
    this.#killed = life;
    await life.kill();
  }

  /** Lets the present life finish. */
  async stop(): Promise<void> {
    await (await this.#life).stop();
  }

  async #begin(): Promise<KillableWorker> {
    for (;;) {
      try {
        const life = await KillableWorker.start(this.#program);
        if (this.#onDeath !== undefined) void life.ended.then(() => this.#ended(life));
        return life;
      } catch (error) {
        const isDeath = error instanceof DiedAtStart && error.wasKilled;
        if (!isDeath || this.#onDeath === undefined) throw error;
        this.#onDeath();
      }
    }
  }

  #ended(life: KillableWorker): void {
    if (life === this.#killed || !life.wasKilled) return;
    this.#onDeath?.();
    this.#life = this.#begin();
  }
}
