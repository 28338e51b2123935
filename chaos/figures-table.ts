/** Figures as an aligned table: names to the left, numbers to the right. */

export type Figure = readonly [name: string, value: number | string, remark?: string];

export function figuresTable(figures: readonly Figure[]): string {
  const texts = figures.map(([name, value, remark = ""]) => [name, format(value), remark] as const);
  const nameWidth = Math.max(...texts.map(([name]) => name.length));
  const valueWidth = Math.max(...texts.map(([, value]) => value.length));
  return texts
    .map(([name, value, remark]) =>
      `  ${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}  ${remark}`.trimEnd(),
    )
    .join("\n");
}

export function format(value: number | string): string {
  return typeof value === "string" ? value : value.toLocaleString("en-US");
}
