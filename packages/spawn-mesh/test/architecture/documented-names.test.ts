/** Whoever points at a public name reads what it is: each has a doc comment where it is declared. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript59";
import { expect, test } from "vitest";
import { doors } from "./public-names.ts";

const sources = join(import.meta.dirname, "../../src");
const { exports } = JSON.parse(readFileSync(join(sources, "../package.json"), "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};

/** The file that declares `name`, which `file` exports: doors hand on what others declare. */
function declaringFile(file: string, name: string): string {
  const tree = parse(file);
  for (const statement of tree.statements) {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue;
    const clause = statement.exportClause as ts.NamedExports;
    const found = clause.elements.find((element) => element.name.text === name);
    const from = (statement.moduleSpecifier as ts.StringLiteral).text;
    if (found !== undefined && from.startsWith("."))
      return declaringFile(join(dirname(file), from), (found.propertyName ?? found.name).text);
  }
  return file;
}

/** Whether one of the declarations of that name has a comment: overloads share theirs. */
function isDocumented(file: string, name: string): boolean {
  const declared = parse(file).statements.filter((statement) => namesOf(statement).includes(name));
  return (
    declared.length === 0 ||
    declared.some((statement) => ts.getJSDocCommentsAndTags(statement).length > 0)
  );
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? [] : [name.getText()];
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
}

test("every public name has a doc comment", () => {
  const written = globSync("**/*.ts", { cwd: sources }).filter((path) => !path.includes("/gen/"));
  const problems = Object.entries(doors).flatMap(([door, { values, types }]) => {
    const subpath = exports[door.replace("spawn-mesh", ".")];
    const file = join(sources, "..", (subpath as Record<string, string>)["@spawn-mesh/source"]!);
    return [...values, ...types]
      .map((name) => ({ name, file: declaringFile(file, name) }))
      .filter((at) => written.includes(at.file.slice(sources.length + 1)))
      .filter((at) => !isDocumented(at.file, at.name))
      .map(({ name }) => `${door}: ${name}`);
  });
  expect(problems).toEqual([]);
});

test("a name without one is found", () => {
  expect(isDocumented(import.meta.filename, "declaringFile")).toBe(true);
  expect(isDocumented(import.meta.filename, "namesOf")).toBe(false);
});
