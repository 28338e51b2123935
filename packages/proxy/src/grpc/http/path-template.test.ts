import fc from "fast-check";
import { isSpawnError } from "spawn-mesh/engine";
import { describe, expect, test } from "vitest";
import { matchPath, moreSpecificFirst, parsePathTemplate, shapeOf } from "./path-template.ts";

const matched = (template: string, path: string): Record<string, string> | undefined => {
  const variables = matchPath(parsePathTemplate(template), path);
  return variables && Object.fromEntries(variables);
};

describe("a path template", () => {
  test.each([
    ["/v1/books", "/v1/books", {}],
    ["/v1/books", "/v1/books/", undefined],
    ["/v1/books", "/v1/book", undefined],
    ["/v1/books", "v1/books", undefined],
    ["/v1/*/books", "/v1/any/books", {}],
    ["/v1/*/books", "/v1//books", undefined],
    ["/v1/{id}", "/v1/joe", { id: "joe" }],
    ["/v1/{id}", "/v1/", undefined],
    ["/v1/{id}", "/v1/a/b", undefined],
    ["/v1/{id}", "/v1/a:b", { id: "a:b" }],
    ["/v1/{id}:lend", "/v1/joe:lend", { id: "joe" }],
    ["/v1/{id}:lend", "/v1/a:b:lend", { id: "a:b" }],
    ["/v1/{id}:lend", "/v1/joe", undefined],
    ["/v1/{id}:lend", "/v1/joe:lent", undefined],
    ["/v1/{id}:lend", "/v1/:lend", undefined],
    ["/v1/{shelf.id}/{pages}", "/v1/s/7", { "shelf.id": "s", pages: "7" }],
    ["/v1/{name=shelves/*/books/*}", "/v1/shelves/1/books/2", { name: "shelves/1/books/2" }],
    ["/v1/{name=shelves/*/books/*}", "/v1/shelves/1/book/2", undefined],
    ["/v1/{name=only}", "/v1/only", { name: "only" }],
    ["/v1/{name=**}", "/v1/a/b/c", { name: "a/b/c" }],
    ["/v1/{name=**}", "/v1", { name: "" }],
    ["/v1/{name=files/**}", "/v1/files", { name: "files" }],
    ["/v1/**:open", "/v1/a/b:open", {}],
    ["/{a}/**", "/x/y/z", { a: "x" }],
  ] as const)("%s matches %s as %j", (template, path, expected) => {
    expect(matched(template, path)).toEqual(expected);
  });

  test.each([
    ["/v1/{id}", "/v1/a%2Fb", { id: "a/b" }],
    ["/v1/{id}", "/v1/%C3%BC%20%25", { id: "ü %" }],
    ["/v1/{id}", "/v1/a+b", { id: "a+b" }],
    ["/v1/{id}", "/v1/..", { id: ".." }],
    ["/v1/{id}", "/v1/%00", { id: "\0" }],
    ["/v1/{name=**}", "/v1/a%2Fb/%C3%BC", { name: "a%2Fb/ü" }],
    ["/v1/{name=a/*}", "/v1/a/b%2fc%20d", { name: "a/b%2fc d" }],
    ["/v1/b%C3%BCcher", "/v1/bücher", {}],
    ["/v1/bücher", "/v1/b%c3%bccher", {}],
    ["/v1/b:%C3%BC", "/v1/b:ü", {}],
  ] as const)("%s decodes %s to %j", (template, path, expected) => {
    expect(matched(template, path)).toEqual(expected);
  });

  test.each([
    ["", 0, "/"],
    ["v1", 0, "/"],
    ["/", 1, "a segment"],
    ["/v1/", 4, "a segment"],
    ["/v1//a", 4, "a segment"],
    ["/v1/{}", 5, "the name of a field"],
    ["/v1/{a", 6, "}"],
    ["/v1/{a=}", 7, "a segment"],
    ["/v1/{a={b}}", 7, "a segment"],
    ["/v1/{a}/{a}", 10, "a only once"],
    ["/v1/{1a}", 5, "the name of a field"],
    ["/v1/{a.}", 6, "}"],
    ["/**/a", 4, "nothing more after **"],
    ["/{a=**}/b", 8, "nothing more after **"],
    ["/v1/{a=**/b}", 10, "nothing more after **"],
    ["/v1:", 4, "a verb"],
    ["/v1:a/b", 5, "the end"],
    ["/v1/a*", 5, "the end"],
    ["/v1/%zz", 7, "percent-encoded UTF-8"],
  ])("%j is refused at %i, where %s is expected", (template, at, expected) => {
    expect(() => parsePathTemplate(template)).toThrow(
      `[INVALID_ARGUMENT] the path template ${JSON.stringify(template)} is wrong at ${at}: expected ${expected}`,
    );
  });

  test("finds again what was written into any path made from it", () => {
    fc.assert(
      fc.property(anyTemplate, ({ template, path, variables }) => {
        expect(matched(template, path)).toEqual(variables);
      }),
      { numRuns: 1_000 },
    );
  });

  test("answers any path at all, or says which variable is no UTF-8", () => {
    const template = fc.constantFrom("/v1/{a}/**", "/{a=**}", "/{a=x/*}/{b}:go", "/a/b/c");
    const path = fc
      .array(
        fc.constantFrom("/", "v1", "a", "x", ":", "go", "%", "%2F", "%ff", "%C3", "ü", "**", "{"),
      )
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(template, path, (text, raw) => {
        try {
          matched(text, raw);
        } catch (error) {
          expect(isSpawnError(error) && error.message).toMatch(/in the path is no percent-encoded/);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("several templates", () => {
  test("are tried from the one that says most to the one that says least", () => {
    const sorted = [
      "/{a=**}",
      "/v1/{a}",
      "/v1/**",
      "/v1/a",
      "/*/a",
      "/v1/{a}:go",
      "/v1/a/b",
      "/v1/*/b",
    ];
    expect(
      sorted
        .map(parsePathTemplate)
        .toSorted(moreSpecificFirst)
        .map(({ text }) => text),
    ).toEqual([
      "/v1/{a}:go",
      "/v1/a/b",
      "/v1/a",
      "/v1/*/b",
      "/v1/{a}",
      "/v1/**",
      "/*/a",
      "/{a=**}",
    ]);
  });

  test("have one shape when they match the same paths, and different ones when they do not", () => {
    const shape = (text: string) => shapeOf(parsePathTemplate(text));
    expect(shape("/v1/{a}/*")).toBe(shape("/v1/*/{b.c}"));
    expect(shape("/{a=v1/*}")).toBe(shape("/v1/*"));
    expect(shape("/v1/b%61")).toBe(shape("/v1/ba"));
    const different = [
      "/v1/a",
      "/v1/*",
      "/v1/**",
      "/v1/one",
      "/v1/rest",
      "/v1/a:b",
      "/v1",
      "/v1/a/b",
    ];
    expect(new Set(different.map(shape)).size).toBe(different.length);
  });
});

/** A piece of a template, the part of a path that fits, and what the variable in it is then. */
interface Piece {
  readonly template: string;
  readonly path: string;
  readonly value: string | undefined;
}

const anyText = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed());
const encoded = (text: string) => encodeURIComponent(text);
/** How a text reads in a variable of several segments. */
const kept = (text: string) => text.split("/").join("%2F");

const literal = fc.stringMatching(/^[a-z0-9._~-]{1,8}$/);
const plain: fc.Arbitrary<Piece> = fc.oneof(
  literal.map((text) => ({ template: text, path: text, value: undefined })),
  anyText.map((text) => ({ template: "*", path: encoded(text), value: undefined })),
);
const variable: fc.Arbitrary<Piece> = fc.oneof(
  anyText.map((text) => ({ template: "{?}", path: encoded(text), value: text })),
  anyText.map((text) => ({ template: "{?=*}", path: encoded(text), value: text })),
  fc.tuple(literal, anyText, literal).map(([a, text, b]) => ({
    template: `{?=${a}/*/${b}}`,
    path: `${a}/${encoded(text)}/${b}`,
    value: `${a}/${kept(text)}/${b}`,
  })),
);
const tail: fc.Arbitrary<Piece> = fc
  .array(anyText, { minLength: 1, maxLength: 4 })
  .map((texts) => ({
    template: "{?=**}",
    path: texts.map(encoded).join("/"),
    value: texts.map(kept).join("/"),
  }));

const anyTemplate = fc
  .tuple(
    fc.array(fc.oneof(plain, variable), { minLength: 1, maxLength: 5 }),
    fc.option(tail),
    fc.option(literal),
  )
  .map(([pieces, last, verb]) => {
    const all = last === null ? pieces : [...pieces, last];
    const end = verb === null ? "" : `:${verb}`;
    return {
      template: `/${all.map(({ template }, at) => template.replace("?", `v${at}`)).join("/")}${end}`,
      path: `/${all.map(({ path }) => path).join("/")}${end}`,
      variables: Object.fromEntries(
        all.flatMap(({ value }, at) => (value === undefined ? [] : [[`v${at}`, value]])),
      ),
    };
  });
