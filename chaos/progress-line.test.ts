import { expect, test } from "vitest";
import { figuresTable } from "./figures-table.ts";
import { bar, ProgressLine } from "./progress-line.ts";

function recorded(terminal: { readonly isTTY?: boolean; readonly columns?: number }) {
  const written: string[] = [];
  const line = new ProgressLine({ ...terminal, write: (text: string) => written.push(text) });
  return { line, written };
}

test("a terminal's line is drawn over, never longer than the terminal is wide", () => {
  const { line, written } = recorded({ isTTY: true, columns: 5 });
  line.show(() => "1234567");
  line.show(() => "too soon");
  line.note("stays");
  line.show(() => "89");
  const clear = "\r\u001B[K";
  expect(written).toEqual([`${clear}1234`, clear, "stays\n", `${clear}89`]);
});

test("a terminal that says it has no columns gets its line all the same", () => {
  const { line, written } = recorded({ isTTY: true, columns: 0 });
  line.show(() => "12");
  expect(written.join("")).toContain("12");
});

test("elsewhere a line comes now and then, without control characters", () => {
  const { line, written } = recorded({});
  line.show(() => "first");
  line.note("stays");
  line.show(() => "too soon");
  line.end();
  expect(written).toEqual(["first\n", "stays\n"]);
});

test("a bar shows fractions of a block and never leaves its bounds", () => {
  expect([bar(-1, 2), bar(0.5, 2), bar(0.75, 2), bar(2, 2)]).toEqual([
    "▕  ▏",
    "▕█ ▏",
    "▕█▌▏",
    "▕██▏",
  ]);
});

test("a table has its names to the left and its numbers to the right", () => {
  const table = figuresTable([
    ["records", 20_000],
    ["lost", 0, "of all"],
  ]);
  expect(table).toBe("  records  20,000\n  lost          0  of all");
});
