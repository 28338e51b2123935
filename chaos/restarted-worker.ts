/** A worker that is started again whenever it is killed; requests go to the life of the moment. */
import { KillableWorker, type Answer, type WorkerProgram } from "./killable-worker.ts";

export class RestartedWorker {
  readonly #program: WorkerProgram;
  #life: Promise<KillableWorker>;
  #killed: KillableWorker | undefined;

  private constructor(program: WorkerProgram) {
    this.#program = program;
    this.#life = KillableWorker.start(program);
  }

  static async start(program: WorkerProgram): Promise<RestartedWorker> {
    const worker = new RestartedWorker(program);
    await worker.#life;
    return worker;
  }

  /** Waits for the present life to take requests. @throws if the process ends without being killed */
  async ask(request: unknown): Promise<Answer> {
    const life = await this.#life;
    const answer = await life.ask(request);
    if (answer.type === "gone" && life !== this.#killed)
      throw new Error("a worker ended by itself");
    return answer;
  }

  /** Kills the present life; resolves when it is gone. Its successor is starting then. */
  async kill(): Promise<void> {
    const life = await this.#life;
    // All who are told that the life is over find the next one here.
    this.#life = life.ended.then(() => KillableWorker.start(this.#program));
    this.#killed = life;
    await life.kill();
  }

  /** Lets the present life finish. */
  async stop(): Promise<void> {
    await (await this.#life).stop();
  }
}
