import { expect, test } from "vitest";
import { Ghash } from "./ghash.ts";

// Test cases 2 and 4 of "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega.
test.each([
  {
    key: "66e94bd4ef8a2c3b884cfa59ca342b2e",
    bound: "",
    text: "0388dace60b6a392f328c2b971b2fe78",
    expected: "f38cbb1ad69223dcc3457ae5b6b0f885",
  },
  {
    key: "b83b533708bf535d0aa6e52980d53b78",
    bound: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    text: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
    expected: "698e57f70e6ecc7fd9463b7260a9ae5f",
  },
])("hashes as the specification does under the key $key", ({ key, bound, text, expected }) => {
  const ghash = new Ghash(Buffer.from(key, "hex"));
  const hash = ghash.hash(Buffer.from(bound, "hex"), Buffer.from(text, "hex"));
  expect(Buffer.from(hash).toString("hex")).toBe(expected);
});
