/** A misspelt option would do nothing: its default would hold instead, and nobody would be told. */
import { SpawnError, describeThrown } from "./errors.ts";

/**
 * @param what whose options they are, as its user calls it
 * @param names the options that there are
 * @throws {SpawnError} `INVALID_ARGUMENT` naming the option that is not there
 */
export function checkOptionNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    const got = describeThrown(options);
    throw new SpawnError("INVALID_ARGUMENT", `${what}: expected options, got ${got}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw noSuchOption(what, unknown, names);
}

/**
 * The options of work that takes its time: they have these names, can be called and aborted, and its pace is one.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkWorkOptions(what: string, options: unknown, names: readonly string[]): void {
  checkOptionNames(what, options, names);
  const { onProgress, signal, rowsPerSecondMax: pace } = Object(options) as Record<string, unknown>;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    const got = typeof onProgress;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `onProgress of ${what}: expected a function, got ${got}`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    const got = typeof signal;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `signal of ${what}: expected an AbortSignal, got ${got}`,
    );
  }
  if (pace !== undefined && !(typeof pace === "number" && pace > 0)) {
    const got = typeof pace === "number" ? `${pace}` : typeof pace;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `rowsPerSecondMax of ${what}: expected a number above 0, got ${got}`,
    );
  }
}

/** Says that there is no such option, and which one was probably meant. */
export function noSuchOption(what: string, option: string, names: readonly string[]): SpawnError {
  const meant = nearestName(option, names);
  const guess = meant === undefined ? "" : `, did you mean ${meant}?`;
  const known = `${meant === undefined ? "; there" : " There"} are ${names.join(", ")}`;
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: there is no option ${option.slice(0, LENGTH_MAX)}${guess}${known}`,
  );
}

/** How many letters of a name may be wrong, left out or too many. */
const WRONG_LETTERS_MAX = 2;
/** Longer ones are no slip of the fingers. */
const LENGTH_MAX = 64;

/** The name that another one was probably meant to be: it begins in the same way, or has few other letters. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > LENGTH_MAX) return undefined;
  const wrong = given.toLowerCase();
  const counted = names.map((name) => {
    const right = name.toLowerCase();
    const isBeginning = wrong !== "" && (right.startsWith(wrong) || wrong.startsWith(right));
    return { name, letters: isBeginning ? 1 : wrongLetters(wrong, right) };
  });
  const nearest = counted.toSorted((a, b) => a.letters - b.letters)[0];
  if (nearest === undefined) return undefined;
  const isNear = nearest.letters <= Math.min(WRONG_LETTERS_MAX, nearest.name.length - 1);
  return isNear ? nearest.name : undefined;
}

/** How many letters have to be changed, left out or put in; two that are swapped count as two. */
function wrongLetters(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 0; row < one.length; row++) {
    const next = [row + 1];
    for (let at = 0; at < other.length; at++) {
      const changed = before[at]! + (one[row] === other[at] ? 0 : 1);
      next.push(Math.min(changed, before[at + 1]! + 1, next[at]! + 1));
    }
    before = next;
  }
  return before.at(-1)!;
}
