/**
 * Sends every flight of the file to its actors, many at a time, and kills a process of theirs once a round.
 *
 * This process alone knows what was acknowledged. What was not is sent again, under the same key, to
 * the process that comes next.
 */
import type { Answer } from "../chaos/killable-worker.ts";
import type { Flight } from "./flight-actors.ts";
import type { ApplyRequest } from "./worker.ts";

const IN_FLIGHT = 256;
/** The kill comes at random when this share of a round is acknowledged. */
const KILL_FROM = 0.25;
const KILL_TO = 0.75;
/** Refusals that one flight may get before the run gives up on it. */
const REFUSALS_MAX = 20;

/** What keeps the actors, in processes of its own. */
export interface FlightKeeper {
  /** Applies a flight. `gone`: a process that was needed for it has been killed, and is back. */
  ask(request: ApplyRequest): Promise<Answer>;
  /** Kills a process; resolves when it is gone. What comes after it is starting then. */
  kill(): Promise<void>;
}

export interface Stream {
  readonly flights: readonly Flight[];
  readonly rounds: number;
  /** Sees every acknowledgement. */
  readonly onAcknowledged: (tally: Readonly<StreamTally>) => void;
  /** Sees the kill, and the first acknowledgement that follows. */
  readonly onKill: (tally: Readonly<StreamTally>) => void;
  readonly onRestart: (tally: Readonly<StreamTally>) => void;
}

export interface StreamTally {
  acknowledged: number;
  /** Flights whose outcome nobody could learn. */
  unknown: number;
  /** Flights that were sent again because their process was gone. */
  repeated: number;
  /** From each kill to the first acknowledgement after it, in milliseconds. */
  readonly restartsMs: number[];
  seconds: number;
}

export async function streamFlights(keeper: FlightKeeper, stream: Stream): Promise<StreamTally> {
  const sender = new Sender(keeper, stream);
  return await sender.run();
}

class Sender {
  readonly #keeper: FlightKeeper;
  readonly #stream: Stream;
  readonly #killsAt: number[];
  readonly #tally: StreamTally = {
    acknowledged: 0,
    unknown: 0,
    repeated: 0,
    restartsMs: [],
    seconds: 0,
  };
  #sent = 0;
  #killedAtMs: number | undefined;

  constructor(keeper: FlightKeeper, stream: Stream) {
    this.#keeper = keeper;
    this.#stream = stream;
    this.#killsAt = Array.from({ length: stream.rounds }, (_, round) => {
      const share = KILL_FROM + Math.random() * (KILL_TO - KILL_FROM);
      return Math.floor((round + share) * stream.flights.length);
    });
  }

  async run(): Promise<StreamTally> {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#sendInTurn(startedMs)));
    return this.#tally;
  }

  async #sendInTurn(startedMs: number): Promise<void> {
    const { flights, rounds, onAcknowledged } = this.#stream;
    while (this.#sent < flights.length * rounds) {
      const number = this.#sent++;
      const flight = flights[number % flights.length]!;
      const round = Math.floor(number / flights.length);
      const isApplied = await this.#send({
        type: "apply",
        flight,
        key: `${round}-${flight.index}`,
      });
      this.#tally.seconds = (performance.now() - startedMs) / 1000;
      if (!isApplied) this.#tally.unknown++;
      else {
        this.#tally.acknowledged++;
        this.#noteRestart();
        void this.#killWhenDue();
        onAcknowledged(this.#tally);
      }
    }
  }

  /** Whether the flight was acknowledged in the end. */
  async #send(request: ApplyRequest): Promise<boolean> {
    for (let refusals = 0; refusals < REFUSALS_MAX;) {
      const answer = await this.#keeper.ask(request);
      if (answer.type === "reply") return true;
      if (answer.type === "gone") this.#tally.repeated++;
      else refusals = mayBeRepeated(answer) ? refusals + 1 : REFUSALS_MAX;
    }
    return false;
  }

  async #killWhenDue(): Promise<void> {
    const [next = Infinity] = this.#killsAt;
    if (this.#tally.acknowledged < next) return;
    this.#killsAt.shift();
    const killedAtMs = performance.now();
    this.#stream.onKill(this.#tally);
    await this.#keeper.kill();
    // Only now: what the process still answered before it was gone is no sign of a restart.
    this.#killedAtMs = killedAtMs;
  }

  #noteRestart(): void {
    if (this.#killedAtMs === undefined) return;
    this.#tally.restartsMs.push(performance.now() - this.#killedAtMs);
    this.#killedAtMs = undefined;
    this.#stream.onRestart(this.#tally);
  }
}

function mayBeRepeated(answer: Exclude<Answer, { type: "gone" }>): boolean {
  if (answer.type === "reply") return false;
  return answer.refusal.retryable || answer.refusal.applied === "unknown";
}
