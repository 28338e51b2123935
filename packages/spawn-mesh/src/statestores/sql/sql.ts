/**
 * Statements as text with holes, and the values that go into the holes. What a hole looks like is the
 * driver's business; a value never becomes part of the text.
 */

export type SqlValue = string | number | Uint8Array | null;

/** A statement or a part of one. There is one more text than there are values. */
export interface Sql {
  readonly texts: readonly string[];
  readonly values: readonly SqlValue[];
}

/** The rows that a statement answers with, and how many it changed. */
export interface SqlResult {
  readonly rows: readonly (readonly unknown[])[];
  readonly changed: number;
}

/** A statement from a template: parts are put in as they are, anything else is a value. */
export function sql(texts: TemplateStringsArray, ...inputs: readonly (Sql | SqlValue)[]): Sql {
  const joined: string[] = [texts[0]!];
  const values: SqlValue[] = [];
  for (const [index, input] of inputs.entries()) {
    const next = texts[index + 1]!;
    if (isSql(input)) {
      joined.push(joined.pop()! + input.texts[0]!, ...input.texts.slice(1));
      values.push(...input.values);
      joined.push(joined.pop()! + next);
    } else {
      values.push(input);
      joined.push(next);
    }
  }
  return { texts: joined, values };
}

/** A part that is only text: never one that came from outside. */
export function text(part: string): Sql {
  return { texts: [part], values: [] };
}

/** Parts in a row. */
export function joined(parts: readonly Sql[], separator: string): Sql {
  const texts: string[] = [""];
  const values: SqlValue[] = [];
  for (const [index, part] of parts.entries()) {
    const before = texts.pop()! + (index === 0 ? "" : separator);
    texts.push(before + part.texts[0]!, ...part.texts.slice(1));
    values.push(...part.values);
  }
  return { texts, values };
}

function isSql(input: Sql | SqlValue): input is Sql {
  return typeof input === "object" && input !== null && "texts" in input;
}
