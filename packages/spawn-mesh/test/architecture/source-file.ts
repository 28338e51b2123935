/**
 * What the architecture rules need to know of a source file, read from its syntax tree.
 *
 * The trees are TypeScript 5.9's: version 7 has no compiler API yet.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dirname, normalize } from "node:path/posix";
import ts from "typescript59";

export interface SourceFile {
  /** Relative to `src`, with forward slashes: `engine/clock.ts`. */
  readonly path: string;
  /** Every module that is imported, exported from, or imported dynamically, as written. */
  readonly imports: readonly string[];
  /** The files that string literals name, relative to `src`, without extension: how a worker is started. */
  readonly namedFiles: readonly string[];
  /** Free identifiers and the property chains that start at one: `setTimeout`, `Math.random`, `process.env`. */
  readonly globals: ReadonlySet<string>;
  /** Lines with code: neither blank nor comment. */
  readonly codeLines: number;
}

/** The sources below a folder, tests beside them included. */
export function readSources(folder: string): readonly SourceFile[] {
  return globSync("**/*.ts", { cwd: folder })
    .toSorted()
    .map((path) => parseSource(path, readFileSync(join(folder, path), "utf8")));
}

export function parseSource(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const imports: string[] = [];
  const namedFiles: string[] = [];
  const globals = new Set<string>();
  const lines = new Set<number>();

  const visit = (node: ts.Node): void => {
    const target = importTarget(node);
    if (target !== undefined) imports.push(target);
    else if (isText(node) && node.text.startsWith("./")) {
      namedFiles.push(besides(path, node.text).replace(/\.[jt]s$/, ""));
    }
    const name = globalName(node);
    if (name !== undefined) globals.add(name);
    if (node.getChildCount(tree) === 0 && node.getWidth(tree) > 0) markLines(tree, node, lines);
    node.getChildren(tree).forEach(visit);
  };
  visit(tree);
  return { path, imports, namedFiles, globals, codeLines: lines.size };
}

/** A path that a file names relatively, made relative to `src`. */
export function besides(path: string, relative: string): string {
  return normalize(join(dirname(path), relative));
}

function importTarget(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return node.moduleSpecifier && isText(node.moduleSpecifier)
      ? node.moduleSpecifier.text
      : undefined;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return isText(node.argument.literal) ? node.argument.literal.text : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [target] = node.arguments;
    return target && isText(target) ? target.text : "(computed)";
  }
  return undefined;
}

function isText(node: ts.Node): node is ts.StringLiteral | ts.TemplateHead {
  return ts.isStringLiteralLike(node) || ts.isTemplateHead(node);
}

/** `Math.random` for that expression, `Date` for that identifier; nothing for `clock.setTimeout`. */
function globalName(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    if (parent.name === node) return undefined;
    return node.text === "Date" ? node.text : `${node.text}.${parent.name.text}`;
  }
  const isName = "name" in parent && parent.name === node;
  return isName || ts.isTypeReferenceNode(parent) ? undefined : node.text;
}

function markLines(tree: ts.SourceFile, node: ts.Node, lines: Set<number>): void {
  const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
  const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line;
  for (let line = first; line <= last; line++) lines.add(line);
}
