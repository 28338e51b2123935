/** Several texts as one, to be sealed together. `null` and `undefined` come back as they were. */
export type Joinable = string | null | undefined;

export function joinTexts(texts: readonly Joinable[]): string {
  const lengths = texts.map((text) => text?.length ?? (text === null ? "n" : "u"));
  return `${lengths.join(",")};${texts.join("")}`;
}

export function splitTexts(joined: string): readonly Joinable[] {
  const end = joined.indexOf(";");
  let at = end + 1;
  return joined
    .slice(0, end)
    .split(",")
    .map((length) => {
      if (length === "n") return null;
      if (length === "u") return undefined;
      const from = at;
      at += Number(length);
      return joined.slice(from, at);
    });
}
