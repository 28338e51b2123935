/** A worker that is started again whenever it is killed; requests go to the life of the moment. */
import { DiedAtStart, KillableWorker, type Answer, type WorkerProgram } from "./killable-worker.ts";

export class RestartedWorker {
  readonly #program: WorkerProgram;
  readonly #mayKillItself: boolean;
  #life: Promise<KillableWorker>;
  #killed: KillableWorker | undefined;
  /** How often it was not us who killed it. */
  deaths = 0;

  private constructor(program: WorkerProgram, mayKillItself: boolean) {
    this.#program = program;
    this.#mayKillItself = mayKillItself;
    this.#life = this.#begin();
  }

  /** @param options whether the program may do to itself what we do to it: end with SIGKILL */
  static async start(
    program: WorkerProgram,
    { mayKillItself = false }: { readonly mayKillItself?: boolean } = {},
  ): Promise<RestartedWorker> {
    const worker = new RestartedWorker(program, mayKillItself);
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
    const isExpected = life === this.#killed || (this.#mayKillItself && life.wasKilled);
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
        if (this.#mayKillItself) void life.ended.then(() => this.#ended(life));
        return life;
      } catch (error) {
        if (!(this.#mayKillItself && error instanceof DiedAtStart && error.wasKilled)) throw error;
        this.deaths++;
      }
    }
  }

  #ended(life: KillableWorker): void {
    if (life === this.#killed || !life.wasKilled) return;
    this.deaths++;
    this.#life = this.#begin();
  }
}
