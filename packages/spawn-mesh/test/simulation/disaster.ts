/** What happens to incarnations and to the database as a whole, at random times. */
import { Incarnation } from "./incarnation.ts";
import type { Surroundings } from "./incarnation.ts";
import type { Disaster, Profile } from "./profile.ts";

const CRASH_WITHIN_EVENTS = 40;
/** How far the wall clock may go off when somebody sets it. */
const OFF_MS = 60 * 60_000;
/** The same where each missed time is made up for: an hour would be thousands, and the time of a hundred other runs. */
const OFF_MS_MADE_UP = 10 * 60_000;

/** All incarnations of a run, and their misfortunes. */
export class Fleet {
  readonly #around: Surroundings;
  readonly #all: Incarnation[] = [];
  #eventsToCrash = Infinity;
  #starting = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Those that take calls. */
  get alive(): readonly Incarnation[] {
    return this.#all.filter((incarnation) => !incarnation.isDead && !incarnation.isLeaving);
  }

  /** All that live, those that are stopping included. */
  get living(): readonly Incarnation[] {
    return this.#all.filter((incarnation) => !incarnation.isDead);
  }

  start(): void {
    const { world } = this.#around;
    const incarnation = new Incarnation(`p${this.#all.length + 1}`, this.#around);
    world.count("incarnations");
    world.note(`${incarnation.label}: started`);
    incarnation.isLeaving = true;
    this.#all.push(incarnation);
    void incarnation.engine.start().then(() => {
      incarnation.isLeaving = false;
    });
  }

  /** Called before every event: a crash may come between any two of them. */
  beforeEvent(): void {
    if (this.#eventsToCrash === Infinity || this.#eventsToCrash-- > 0) return;
    this.#eventsToCrash = Infinity;
    const { world } = this.#around;
    const victim = world.choices.pick(this.living);
    if (victim === undefined) return;
    world.count("fault crash");
    victim.crash();
    this.#startSoon();
  }

  /** Called after every event, when all promises have gone on. */
  afterEvent(): void {
    for (const incarnation of this.#all) incarnation.measure();
    for (const incarnation of this.living) {
      if (!incarnation.isDoomed) continue;
      this.#around.world.count("ended by a message");
      incarnation.crash();
      this.#startSoon();
    }
  }

  /** Disasters come until `until`. */
  schedule(until: number): void {
    const { world, profile } = this.#around;
    if (profile.disasters.length === 0) return;
    world.clock.timer(world.choices.waitMs(profile.disasterEveryMs), () => {
      if (world.clock.monotonic() >= until) return;
      this.#strike(world.choices.pick(profile.disasters));
      this.schedule(until);
    });
  }

  /** Whether nobody is about to start or stop. */
  get isSettled(): boolean {
    return this.#starting === 0 && this.living.every(({ isLeaving }) => !isLeaving);
  }

  /** No more crashes; whoever is paused wakes up in its own time. */
  heal(): void {
    this.#eventsToCrash = Infinity;
  }

  #strike(disaster: Disaster): void {
    const { world, profile, database } = this.#around;
    const { choices, clock } = world;
    if (disaster === "crash") {
      this.#eventsToCrash = choices.between(0, CRASH_WITHIN_EVENTS);
      return;
    }
    const someone = choices.pick(this.alive);
    if (disaster === "overlap") {
      if (this.living.length > 2) return;
      world.count("fault overlap");
      return this.start();
    }
    if ((disaster === "stop" || disaster === "pause") && someone === undefined) return;
    world.count(`fault ${disaster}`);
    world.note(`disaster: ${disaster}`);
    const now = clock.monotonic();
    switch (disaster) {
      case "stop":
        return this.#stop(someone!);
      case "pause":
        // Now and then longer than a message is left to the process that sent it.
        return someone!.pause(choices.between(20, choices.chance(0.2) ? 9_000 : 2_500));
      case "outage":
        return this.#cutDatabaseOff(choices.between(20, 2_500));
      case "disk-full":
        database.diskFullUntil = now + choices.between(20, 1_500);
        return;
      case "clock-jump": {
        const aheadMs = choices.pick(wallAheadMs(profile));
        world.note(`the clock on the wall is ${aheadMs} ms ahead`);
        return world.setWall(aheadMs);
      }
      case "slow-disk":
        database.slowUntil = now + choices.between(50, 1_500);
        return;
    }
  }

  /** An outage; now and then nobody lives to see the end of it. */
  #cutDatabaseOff(forMs: number): void {
    const { world, profile, database } = this.#around;
    const { choices, clock } = world;
    database.outageUntil = clock.monotonic() + forMs;
    if (!profile.disasters.includes("crash") || !choices.chance(0.3)) return;
    clock.timer(choices.between(0, forMs), () => {
      if (!database.isHealed) this.#eventsToCrash = choices.between(0, CRASH_WITHIN_EVENTS);
    });
  }

  #stop(incarnation: Incarnation): void {
    const { choices, clock } = this.#around.world;
    incarnation.isLeaving = true;
    const drainTimeoutMs = choices.pick([1, 50, 1_000]);
    incarnation.whenAwake(() => {
      // Whoever was answered last hears of it a moment later.
      void incarnation.engine.stop({ drainTimeoutMs }).then(() =>
        clock.timer(0, () => {
          if (incarnation.isDead) return;
          incarnation.stopped();
          this.#startSoon();
        }),
      );
    });
  }

  #startSoon(): void {
    const { world } = this.#around;
    this.#starting++;
    world.clock.timer(world.choices.between(0, 400), () => {
      this.#starting--;
      this.start();
    });
  }
}

/** How much later than by itself the wall clock shows when somebody has set it; less than a minute may go unnoticed. */
function wallAheadMs({ messages }: Profile): readonly number[] {
  const { timers, repeatShare } = messages;
  const isMadeUpFor = repeatShare > 0 || timers.some(({ catchUp }) => catchUp === "all");
  const offMs = isMadeUpFor ? OFF_MS_MADE_UP : OFF_MS;
  return [-offMs, -30_000, 0, 30_000, offMs];
}
