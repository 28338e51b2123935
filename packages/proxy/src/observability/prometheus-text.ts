/** Metrics as the text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats */
import type { Histogram } from "./histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** One line for each set of labels. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: Iterable<readonly [Labels, number | Histogram]>;
}

export const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

export function prometheusText(metrics: Iterable<Metric>): string {
  let text = "";
  for (const { name, help, type, values } of metrics) {
    const lines = [...values].flatMap(([labels, value]) =>
      typeof value === "number"
        ? [line(name, labels, value)]
        : linesOfHistogram(name, labels, value),
    );
    if (lines.length === 0) continue;
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }
  return text;
}

/** Each bucket has all values up to its bound. */
function linesOfHistogram(
  name: string,
  labels: Labels,
  { bounds, counts, sum }: Histogram,
): readonly string[] {
  let count = 0;
  const buckets = [...bounds, Infinity].map((bound, index) => {
    count += counts[index]!;
    return line(`${name}_bucket`, { ...labels, le: numberText(bound) }, count);
  });
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  const all = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${all} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
