/**
 * Path templates of `google.api.http`.
 *
 *   Template = "/" Segments [ ":" Verb ]
 *   Segments = Segment { "/" Segment }
 *   Segment  = "*" | "**" | Literal | "{" FieldPath [ "=" Segments ] "}"
 *
 * `*` is one segment of a path, `**` any number of them, at the end only. `{name}` means `{name=*}`.
 */
import { SpawnError } from "spawn-mesh/engine";

export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly TemplateSegment[];
  readonly variables: readonly TemplateVariable[];
  readonly verb: string | undefined;
}

type TemplateSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "one" }
  | { readonly kind: "rest" };

interface TemplateVariable {
  readonly fieldPath: string;
  /** The segments that it spans: the first, and the first after it. */
  readonly from: number;
  readonly to: number;
}

/** The values of the variables in a path, by the path of the field that each belongs to. */
export type PathVariables = ReadonlyMap<string, string>;

const fieldPathSyntax = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y;
const literalSyntax = /[^/{}=*:]+/y;

/** @throws {SpawnError} `INVALID_ARGUMENT` saying where the template is wrong */
export function parsePathTemplate(text: string): PathTemplate {
  return new TemplateParser(text).parse();
}

class TemplateParser {
  readonly #text: string;
  #at = 0;
  readonly #segments: TemplateSegment[] = [];
  readonly #variables: TemplateVariable[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  parse(): PathTemplate {
    this.#expect("/");
    this.#readSegments({ inVariable: false });
    const verb = this.#take(":") ? this.#readText(literalSyntax, "a verb") : undefined;
    if (this.#at < this.#text.length) this.#fail("the end");
    return {
      text: this.#text,
      segments: this.#segments,
      variables: this.#variables,
      verb: verb === undefined ? undefined : this.#decode(verb),
    };
  }

  #readSegments(where: { readonly inVariable: boolean }): void {
    do {
      if (this.#segments.at(-1)?.kind === "rest") this.#fail("nothing more after **");
      this.#readSegment(where);
    } while (this.#take("/"));
  }

  #readSegment({ inVariable }: { readonly inVariable: boolean }): void {
    if (this.#take("**")) this.#segments.push({ kind: "rest" });
    else if (this.#take("*")) this.#segments.push({ kind: "one" });
    else if (!inVariable && this.#take("{")) this.#readVariable();
    else {
      const text = this.#decode(this.#readText(literalSyntax, "a segment"));
      this.#segments.push({ kind: "literal", text });
    }
  }

  #readVariable(): void {
    const fieldPath = this.#readText(fieldPathSyntax, "the name of a field");
    if (this.#variables.some((other) => other.fieldPath === fieldPath)) {
      this.#fail(`${fieldPath} only once`);
    }
    const from = this.#segments.length;
    if (this.#take("=")) this.#readSegments({ inVariable: true });
    else this.#segments.push({ kind: "one" });
    this.#expect("}");
    this.#variables.push({ fieldPath, from, to: this.#segments.length });
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail(token);
  }

  #readText(syntax: RegExp, what: string): string {
    syntax.lastIndex = this.#at;
    const [text] = syntax.exec(this.#text) ?? this.#fail(what);
    this.#at += text.length;
    return text;
  }

  #decode(text: string): string {
    return decodeSegment(text) ?? this.#fail("percent-encoded UTF-8");
  }

  #fail(expected: string): never {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the path template ${JSON.stringify(this.#text)} is wrong at ${this.#at}: expected ${expected}`,
    );
  }
}

/**
 * The variables of a path as it came, percent-encoded and without its query; undefined when the template
 * does not match.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when it matches, and a variable is no percent-encoded UTF-8
 */
export function matchPath(template: PathTemplate, path: string): PathVariables | undefined {
  const bare = withoutVerb(path, template.verb);
  if (bare?.startsWith("/") !== true) return undefined;
  const parts = bare.slice(1).split("/");
  if (!segmentsMatch(template.segments, parts)) return undefined;
  return new Map(
    template.variables.map((variable) => [
      variable.fieldPath,
      valueOf(variable, template.segments, parts),
    ]),
  );
}

function withoutVerb(path: string, verb: string | undefined): string | undefined {
  if (verb === undefined) return path;
  const colon = path.lastIndexOf(":");
  const isVerb = colon > path.lastIndexOf("/") && decodeSegment(path.slice(colon + 1)) === verb;
  return isVerb ? path.slice(0, colon) : undefined;
}

function segmentsMatch(segments: readonly TemplateSegment[], parts: readonly string[]): boolean {
  const hasRest = segments.at(-1)?.kind === "rest";
  const fixed = hasRest ? segments.slice(0, -1) : segments;
  if (hasRest ? parts.length < fixed.length : parts.length !== fixed.length) return false;
  return fixed.every((segment, at) => {
    const part = parts[at] ?? "";
    return segment.kind === "literal" ? decodeSegment(part) === segment.text : part !== "";
  });
}

/**
 * A variable of one segment is decoded wholly. In one of several segments `%2F` stays, or nobody could
 * tell it from the slashes between them.
 */
function valueOf(
  { from, to, fieldPath }: TemplateVariable,
  segments: readonly TemplateSegment[],
  parts: readonly string[],
): string {
  const hasRest = segments[to - 1]?.kind === "rest";
  const own = parts.slice(from, hasRest ? undefined : to);
  const isOne = !hasRest && own.length === 1;
  const decoded = own.map((part) => (isOne ? decodeSegment(part) : decodeAllButSlashes(part)));
  if (decoded.every((part) => part !== undefined)) return decoded.join("/");
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${fieldPath} in the path is no percent-encoded UTF-8: ${JSON.stringify(own.join("/").slice(0, 100))}`,
  );
}

function decodeAllButSlashes(part: string): string | undefined {
  const decoded = part
    .split(/(%2F)/i)
    .map((piece, at) => (at % 2 === 1 ? piece : decodeSegment(piece)));
  return decoded.includes(undefined) ? undefined : decoded.join("");
}

function decodeSegment(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const ranks = { literal: 0, one: 1, rest: 2 } as const;

/** Orders templates so that the first that matches says most about the path. */
export function moreSpecificFirst(a: PathTemplate, b: PathTemplate): number {
  const byVerb = Number(a.verb === undefined) - Number(b.verb === undefined);
  if (byVerb !== 0) return byVerb;
  for (const [at, segment] of a.segments.entries()) {
    const other = b.segments[at];
    const byRank = other === undefined ? 0 : ranks[segment.kind] - ranks[other.kind];
    if (byRank !== 0) return byRank;
  }
  return b.segments.length - a.segments.length;
}

/** The same for two templates exactly when they match the same paths. */
export function shapeOf({ segments, verb }: PathTemplate): string {
  const shape = segments.map((segment) =>
    segment.kind === "literal" ? segment.text : segment.kind,
  );
  return JSON.stringify([segments.map(({ kind }) => kind), shape, verb ?? null]);
}
