/** Each door exports the public names, and no other; and what it exports is there at run time. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript59";
import { describe, expect, test } from "vitest";
import { doors, type Door } from "./public-names.ts";

const library = join(import.meta.dirname, "../..");
const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};
const sources = new Map(
  Object.entries(exports).flatMap(([subpath, door]) =>
    typeof door === "string"
      ? []
      : [[subpath.replace(".", "spawn-mesh"), join(library, door["@spawn-mesh/source"] ?? "")]],
  ),
);

/** The exported names of a source file, as written there: a door exports by name, never `*`. */
function exportedNames(file: string): Door {
  const values: string[] = [];
  const types: string[] = [];
  const tree = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
  for (const statement of tree.statements) {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause === undefined || !ts.isNamedExports(clause)) values.push("*");
      else {
        for (const { name, isTypeOnly } of clause.elements) {
          (statement.isTypeOnly || isTypeOnly ? types : values).push(name.text);
        }
      }
    } else if (
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    ) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      (isType ? types : values).push(...declaredNames(statement));
    }
  }
  return { values: values.toSorted(), types: types.toSorted() };
}

function declaredNames(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? ["default"] : [name.getText()];
}

test("the package has these doors and no other", () => {
  expect([...sources.keys()]).toEqual(Object.keys(doors));
});

describe.each(Object.entries(doors))("%s", (name, door) => {
  test("exports exactly the names of the list", () => {
    expect(exportedNames(sources.get(name) ?? "")).toEqual({
      values: door.values.toSorted(),
      types: door.types.toSorted(),
    });
  });

  test("loads, and has those names at run time", async () => {
    const loaded = (await import(sources.get(name) ?? "")) as object;
    expect(Object.keys(loaded).toSorted()).toEqual(door.values.toSorted());
  });
});
