/** A run's figures as tables, for a terminal and for Markdown. */

import { measureBars, type Measured } from "./bars.ts";
import { FIGURES } from "./figures.ts";
import { type Described, type Result, spreadOf } from "./result.ts";
import { number, spreadText } from "./statistics.ts";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A part's figures, a row for each subject that has any, or has failed to. */
export function tableOf(result: Result, part: string): Table {
  const figures = FIGURES.filter((figure) => figure.part === part);
  const sat = ({ id }: Described) =>
    result.outcomes.some((one) => one.subject === id && one.part === part);
  return {
    head: ["", ...figures.map(({ title, unit }) => `${title}, ${unit}`)],
    rows: result.subjects.filter(sat).map(({ id, title }) => [
      title,
      ...figures.map((figure) => {
        const spread = spreadOf(result, id, figure.id);
        // What `direct` adds is nothing; there, it is what it is.
        const whole = figure.added && id === "direct" && spread
          ? "itself "
          : "";
        return whole + spreadText(spread, figure.digits);
      }),
    ]),
  };
}

export function barsTable(result: Pick<Result, "outcomes">): Table {
  return {
    head: ["issue 7 asks for", "required", "measured", "met", "by CPU"],
    rows: measureBars(result).map((bar) => [
      bar.text,
      required(bar),
      `${spreadText(bar.measured, bar.digits)} ${bar.unit}`,
      bar.met === undefined ? "not measured" : bar.met ? "yes" : "**no**",
      bar.byCpu ? `${spreadText(bar.byCpu, bar.digits)} ${bar.unit}` : "",
    ]),
  };
}

export function bundleTable({ bundle }: Result): Table {
  return {
    head: ["", "minified, bytes", "gzip, bytes"],
    rows: bundle.map(({ part, minified, gzip }) => [
      part,
      number(minified),
      number(gzip),
    ]),
  };
}

export function asMarkdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => i === 0 ? "---" : "---:");
  return [head, rule, ...rows].map(line).join("\n");
}

export function asText({ head, rows }: Table): string {
  const widths = head.map((_, i) =>
    Math.max(...[head, ...rows].map((cells) => cells[i]!.length))
  );
  return [head, ...rows].map((cells) =>
    cells.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ")
  ).join("\n");
}

function required({ least, most, digits, unit }: Measured): string {
  return least !== undefined
    ? `≥ ${number(least, digits)} ${unit}`
    : `≤ ${number(most!, digits)} ${unit}`;
}
