import { join } from "node:path";
import {
  clone,
  createFileRegistry,
  fromJson,
  setExtension,
  toBinary,
  toJson,
  type DescMethod,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { isSpawnError } from "spawn-mesh/engine";
import { HttpRuleSchema, httpOption } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { readDescriptorSets } from "../descriptors.ts";
import { compileProtoFolder } from "../proto-folder.ts";
import type { ServedMethod } from "../served-method.ts";
import { httpBindings, type HttpBinding } from "./http-bindings.ts";
import { HttpRoutes } from "./http-routes.ts";
import { requestMessage } from "./request-message.ts";

const protos = join(import.meta.dirname, "../../../test/fixtures/protos");
const registry = readDescriptorSets([(await compileProtoFolder(protos))!]);
const library = registry.getService("library.Library")!;
const book = registry.getMessage("library.Book")!;

const served = (method: DescMethod): ServedMethod => ({
  method,
  answer: async (message) => message,
});
const routes = new HttpRoutes(library.methods.map(served));

/** The JSON of the message that a request means. */
function meant(httpMethod: string, url: string, body = ""): JsonValue {
  const [path = "", query = ""] = url.split("?");
  const route = routes.find(httpMethod, path);
  if (!("binding" in route)) throw new Error(`no route for ${httpMethod} ${url}`);
  const { binding, variables } = route;
  return toJson(book, requestMessage(binding, { variables, query, body }, registry), { registry });
}

describe("a path", () => {
  test("gives fields of any single value, however deep", () => {
    expect(meant("GET", "/v1/books/attic/310")).toEqual({ shelf: { id: "attic" }, pages: 310 });
    expect(meant("GET", "/v1/shelves/1/books/2")).toEqual({ name: "shelves/1/books/2" });
  });

  test("is refused when a value does not fit its field", () => {
    expect(() => meant("GET", "/v1/books/attic/many")).toThrow(
      /^\[INVALID_ARGUMENT\] the parameter "pages" cannot be used: .*int32/,
    );
    expect(() => meant("GET", "/v1/books/attic/3000000000")).toThrow(/"pages" cannot be used/);
    expect(() => meant("GET", "/v1/books/attic/NaN")).toThrow(/"pages" cannot be used/);
  });
});

describe("a query", () => {
  test.each([
    ["name=a+b%20c", { name: "a b c" }],
    ["name=", {}],
    ["name", {}],
    ["pages=-0&sold=9223372036854775807", { sold: "9223372036854775807" }],
    ["price=1e3&weight=NaN", { price: 1000, weight: "NaN" }],
    ["inPrint=true&in_print=true", "given twice"],
    ["in_print=true", { inPrint: true }],
    ["in_print=1", "expected true or false"],
    ["cover=3q2-7w", { cover: "3q2+7w==" }],
    ["genre=GENRE_POEM", { genre: "GENRE_POEM" }],
    ["genre=2", { genre: "GENRE_POEM" }],
    ["genre=POEM", "genre"],
    ["published=2026-11-25T00:00:00Z", { published: "2026-11-25T00:00:00Z" }],
    ["published=yesterday", "published"],
    ["readingTime=1.5s", { readingTime: "1.500s" }],
    ["subtitle=", { subtitle: "" }],
    ["signed=false", { signed: false }],
    ["mask=name,inPrint", { mask: "name,inPrint" }],
    ["shelf.id=a&shelf.beside.floor=-1", { shelf: { id: "a", beside: { floor: -1 } } }],
    ["tags=a&tags=b&tags=a", { tags: ["a", "b", "a"] }],
    ["chapters=1&chapters=2", { chapters: [1, 2] }],
    ["genres=1&genres=GENRE_POEM", { genres: ["GENRE_NOVEL", "GENRE_POEM"] }],
    ["edition=0", { edition: 0 }],
    ["person=joe&company=1", { company: 1 }],
    ["pages=1&pages=2", "given twice"],
    ["pagse=1", "has no such field"],
    ["shelf=a", "a message or a map is no parameter"],
    ["shelf.beside=a", "a message or a map is no parameter"],
    ["notes=a", "a message or a map is no parameter"],
    ["notes.a=b", "has no such field"],
    ["anything=1", "a message or a map is no parameter"],
    ["name.length=1", "has no such field"],
    ["__proto__.x=1", "has no such field"],
    ["constructor=1", "has no such field"],
    ["name=%ff", "in the query"],
    ["%=1", "in the query"],
    ["&&name=a&", { name: "a" }],
    ["name=a=b", { name: "a=b" }],
  ] as const)("%s means %j", (query, expected) => {
    const find = () => meant("GET", `/v1/books?${query}`);
    if (typeof expected === "string") expect(find).toThrow(expected);
    else expect(find()).toEqual(expected);
  });

  test("may not give again what the path gives", () => {
    expect(() => meant("GET", "/v1/books/a/1?pages=2")).toThrow(/"pages".*given twice/);
    expect(meant("GET", "/v1/books/a/1?shelf.floor=2")).toEqual({
      shelf: { id: "a", floor: 2 },
      pages: 1,
    });
  });
});

describe("a body", () => {
  test("is the whole message, what the path says goes over it", () => {
    expect(meant("POST", "/v1/books", `{"name":"a","tags":["x"],"shelf":{"id":"s"}}`)).toEqual({
      name: "a",
      tags: ["x"],
      shelf: { id: "s" },
    });
    expect(meant("POST", "/v1/books", "")).toEqual({});
    expect(() => meant("POST", "/v1/books?name=a", "{}")).toThrow(
      /takes all but its path in the body/,
    );
  });

  test("is one field, the query gives the others", () => {
    expect(meant("PATCH", "/v1/books/a?pages=3", `{"id":"s"}`)).toEqual({
      name: "a",
      pages: 3,
      shelf: { id: "s" },
    });
    expect(meant("PUT", "/v1/books/a/tags", `["x","y"]`)).toEqual({ name: "a", tags: ["x", "y"] });
    expect(meant("POST", "/v1/books/a/anything", `[1,null]`)).toMatchObject({
      anything: [1, null],
    });
    expect(() => meant("PATCH", "/v1/books/a?shelf.id=b", "{}")).toThrow(/this field is the body/);
  });

  test("cannot name fields outside of the one that it is", () => {
    expect(() => meant("PATCH", "/v1/books/a", `{"id":"s"},"pages":3`)).toThrow(/the body cannot/);
    expect(() => meant("PATCH", "/v1/books/a", `{"id":"s"}}//`)).toThrow(/the body cannot/);
  });

  test("may have large numbers that JSON keeps, or as texts any", () => {
    expect(meant("POST", "/v1/books", `{"sold":9007199254740992}`)).toEqual({
      sold: "9007199254740992",
    });
    expect(meant("POST", "/v1/books", `{"sold":"9007199254740993"}`)).toEqual({
      sold: "9007199254740993",
    });
    expect(meant("POST", "/v1/books", `{"price":0.12345678901234567890}`)).toEqual({
      price: 0.12345678901234568,
    });
  });

  test("is refused where the method takes none", () => {
    expect(() => meant("GET", "/v1/books", "{}")).toThrow(
      /the body cannot be used: this method takes none/,
    );
  });

  test.each([
    "{",
    "null",
    "[]",
    `"text"`,
    "NaN",
    `{"pages":NaN}`,
    `{"pages":1.5}`,
    `{"pages":1e400}`,
    `{"price":1e400}`,
    `{"sold":9007199254740993}`,
    `{"sold":-9007199254740993}`,
    `{"unknown":1}`,
    `{"__proto__":{"pages":1}}`,
    `{"name":"a","name":"b"}`,
    `{"person":"a","company":1}`,
    `{"tags":"a"}`,
    `{"tags":[null]}`,
    `{"genre":"NO_GENRE"}`,
    `{"anything":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    `{"shelf":${`{"beside":`.repeat(10_000)}{}${"}".repeat(10_000)}}`,
    "\u{feff}{}",
  ])("is refused when it is %s", (body) => {
    const error = errorOf(() => meant("POST", "/v1/books", body));
    expect(isSpawnError(error) && error.code).toBe("INVALID_ARGUMENT");
    expect(isSpawnError(error) && error.message.length).toBeLessThan(500);
  });
});

describe("any message", () => {
  test("arrives as it was sent, whichever of its fields are in the path, the query and the body", () => {
    fc.assert(
      fc.property(anyBook, fc.constantFrom("GET", "PATCH", "POST"), (json, httpMethod) => {
        const { name, ...others } = json;
        const { shelf, ...rest } = others;
        const path = `/v1/books/${encodeURIComponent(name)}`;
        const sent = {
          GET: () => meant("GET", `/v1/files/${encodeURIComponent(name)}?${queryOf(others)}`),
          PATCH: () => meant("PATCH", `${path}?${queryOf(rest)}`, JSON.stringify(shelf ?? {})),
          POST: () => meant("POST", "/v1/books", JSON.stringify(json)),
        }[httpMethod]!();
        const expected = httpMethod === "PATCH" ? { shelf: {}, ...json } : json;
        expect(toBinary(book, fromJson(book, sent))).toEqual(
          toBinary(book, fromJson(book, expected)),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("an option", () => {
  const bind = (rule: JsonObject): readonly HttpBinding[] => httpBindings(served(methodWith(rule)));

  test.each([
    [{ get: "/v1/{nobody}" }, "library.Book has no field nobody"],
    [{ get: "/v1/{shelf}" }, "shelf is no single value"],
    [{ get: "/v1/{tags}" }, "tags is no single value"],
    [{ get: "/v1/{shelf.nobody}" }, "no field shelf.nobody"],
    [{ get: "/v1/{name" }, "wrong at 9: expected }"],
    [{ post: "/v1", body: "nobody" }, "library.Book has no field nobody"],
    [{ post: "/v1", responseBody: "nobody" }, "library.Book has no field nobody"],
    [{ body: "*" }, "it has no pattern"],
    [
      { get: "/a", additionalBindings: [{ get: "/b", additionalBindings: [{ get: "/c" }] }] },
      "an additional binding has additional bindings of its own",
    ],
  ])("%j is refused, naming its method", (rule, why) => {
    expect(() => bind(rule)).toThrow("(google.api.http) of library.Library.Find cannot be used: ");
    expect(() => bind(rule)).toThrow(why);
  });

  test("that says more about a path wins, whatever the order", () => {
    const rules = [
      { get: "/{name=**}" },
      { get: "/v1/{name}" },
      { get: "/v1/fixed" },
      { custom: { kind: "*", path: "/v1/{name=**}" } },
      { get: "/v1/{name}:go" },
    ];
    for (const order of [rules, rules.toReversed()]) {
      const sorted = new HttpRoutes(order.map((rule) => served(methodWith(rule))));
      const template = (httpMethod: string, path: string) => {
        const route = sorted.find(httpMethod, path);
        return "binding" in route ? route.binding.template.text : route.allowed;
      };
      expect(template("GET", "/v1/fixed")).toBe("/v1/fixed");
      expect(template("GET", "/v1/other")).toBe("/v1/{name}");
      expect(template("GET", "/v1/other:go")).toBe("/v1/{name}:go");
      expect(template("GET", "/v1/a/b")).toBe("/v1/{name=**}");
      expect(template("PURGE", "/v1/fixed")).toBe("/v1/{name=**}");
      expect(template("GET", "/v2")).toBe("/{name=**}");
      expect(template("PUT", "/v2")).toEqual(["GET"]);
    }
  });

  test("for paths that another method has already is refused, naming both", () => {
    const [find, , lend] = library.methods.map(served);
    const other = served(methodWith({ get: "/v1/files/{pages=**}" }));
    expect(() => new HttpRoutes([find!, other, lend!])).toThrow(
      /library.Library.Find and library.Library.Find both answer GET/,
    );
  });
});

/** `library.Library.Find` with another rule. */
function methodWith(rule: JsonObject): DescMethod {
  const file = clone(FileDescriptorProtoSchema, library.file.proto);
  setExtension(file.service[0]!.method[0]!.options!, httpOption, fromJson(HttpRuleSchema, rule));
  const changed = createFileRegistry(file, (name) => registry.getFile(name));
  return changed.getService("library.Library")!.methods[0]!;
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

const text = fc.string({ unit: "binary" }).filter((each) => each.isWellFormed());
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
/** JSON has no -0. */
const double = fc
  .double()
  .map((each): JsonValue => (Number.isFinite(each) ? each + 0 : String(each)));
const genre = fc.constantFrom("GENRE_NOVEL", "GENRE_POEM");
const shelf = fc.record({ id: text, floor: int32 }, { requiredKeys: ["id"] });

/** The JSON of a book that a query can say; its name is in the path. */
const anyBook = fc.record(
  {
    name: text.filter((each) => each !== "" && !each.includes("/")),
    pages: int32,
    sold: int64,
    ordered: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    price: double,
    inPrint: fc.boolean(),
    cover: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
    genre,
    published: fc
      .date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString()),
    subtitle: text,
    signed: fc.boolean(),
    shelf: shelf.map((each): JsonObject => each as JsonObject),
    tags: fc.array(text),
    chapters: fc.array(int32),
    genres: fc.array(genre),
    person: text,
    edition: int32,
  },
  { requiredKeys: ["name"] },
);

/** What a client makes of a message for a query: every field by its path, lists as repeated ones. */
function queryOf(json: JsonObject, prefix = ""): string {
  return Object.entries(json)
    .flatMap(([key, value]) => {
      const path = `${prefix}${key}`;
      if (Array.isArray(value)) return value.map((item) => pair(path, item));
      if (typeof value === "object" && value !== null) return [queryOf(value, `${path}.`)];
      return [pair(path, value)];
    })
    .join("&");
}

function pair(path: string, value: JsonValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${encodeURIComponent(path)}=${encodeURIComponent(text)}`;
}
