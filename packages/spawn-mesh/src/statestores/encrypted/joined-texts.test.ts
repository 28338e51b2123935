import { expect, test } from "vitest";
import { joinTexts, splitTexts, type Joinable } from "./joined-texts.ts";

test.each<[readonly Joinable[]]>([
  [[""]],
  [["", ""]],
  [["a", null, undefined, ""]],
  [["1,2;3", ";", ",", "n", "u", null]],
  [["ü😀", "\0", undefined]],
])("%j come back as they were", (texts) => {
  expect(splitTexts(joinTexts(texts))).toEqual(texts);
});
