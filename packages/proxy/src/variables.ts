/** Variables of an environment, each read with its check. */
import { SpawnError } from "spawn-mesh/engine";

/** The variables that are set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by name, with their checks. */
export class Variables {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  find(name: string): string | undefined {
    const value = this.#environment[name];
    return value === "" ? undefined : value;
  }

  text(name: string, otherwise: string): string {
    return this.find(name) ?? otherwise;
  }

  port(name: string, otherwise: number): number {
    return this.whole(name, otherwise, [0, 65_535]);
  }

  whole(name: string, otherwise: number, [min, max]: readonly [number, number]): number {
    const value = this.find(name);
    if (value === undefined) return otherwise;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw refused(name, `a whole number from ${min} to ${max}`, value);
  }

  /** From 0 to 1. */
  share(name: string, otherwise: number): number {
    const value = this.find(name);
    if (value === undefined) return otherwise;
    if (/^(0|1|0?\.\d+|1\.0+)$/.test(value)) return Number(value);
    throw refused(name, "a number from 0 to 1", value);
  }

  flag(name: string, otherwise: boolean): boolean {
    return this.oneOf(name, ["true", "false"], otherwise ? "true" : "false") === "true";
  }

  /** Texts with commas between them. */
  list(name: string): readonly string[] {
    const texts = (this.find(name) ?? "").split(",").map((text) => text.trim());
    return texts.filter((text) => text !== "");
  }

  oneOf<Choice extends string>(
    name: string,
    choices: readonly Choice[],
    otherwise: Choice,
  ): Choice {
    const value = this.find(name);
    if (value === undefined) return otherwise;
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    throw refused(name, choices.join(" or "), value);
  }
}

/** What is wrong with a variable. Never for one that may hold a secret. */
export function refused(name: string, expected: string, got: string): SpawnError {
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${name}: expected ${expected}, got ${JSON.stringify(got.slice(0, 100))}`,
  );
}
