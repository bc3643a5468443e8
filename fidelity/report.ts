/** Scores as text and as Markdown. */

import { ALLOWED } from "./allow.ts";
import type { Difference } from "./compare.ts";
import type { Score } from "./score.ts";

export interface Result extends Score {
  readonly name: string;
  /** Generated cases that failed, as small as they can be, as JSON. */
  readonly reproductions: readonly string[];
}

export function asText(results: readonly Result[]): string {
  return [
    ...columns(table(results)),
    ...results.flatMap((result) => ["", ...firsts(result)]),
    "",
    `allowed differences (${ALLOWED.length}), and by how many cases needed:`,
    ...columns(ALLOWED.map(({ id, way, what }) => [
      id,
      ...results.map(({ allowed }) => `${allowed[id]}`),
      `${way}: ${what}`,
    ])),
  ].join("\n");
}

/** A whole document. */
export function asMarkdown(
  results: readonly Result[],
  { command, notes }: { command: string; notes: readonly string[] },
): string {
  const [head, ...rows] = table(results);
  return [
    "# Fidelity",
    "",
    `Written by \`${command}\`. Every case is sent twice, straight to an origin and through the gateway, and every byte at both ends is compared; a case passes when nothing differs but what the standards leave to an intermediary (\`standard.ts\`) and what the list below allows, to every gateway alike. The list was made for doppel: it is what doppel needs, plus what Node's \`fetch\` adds beyond that of Deno and Bun.`,
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    row(head!),
    row(head!.map(() => "---")),
    ...rows.map(row),
    "",
    "## The first difference of each family",
    ...results.filter(({ failures }) => failures.length > 0).flatMap(
      (
        result,
      ) => [
        "",
        `${result.name}:`,
        "",
        ...firsts(result).slice(1).map((line) => `- ${line.trim()}`),
      ],
    ),
    "",
    "## Allowed differences",
    "",
    row([
      "line",
      "way",
      "what",
      "why",
      ...results.map(({ name }) => `needed by, ${name}`),
    ]),
    row(["---", "---", "---", "---", ...results.map(() => "---")]),
    ...ALLOWED.map(({ id, way, what, why }) =>
      row([
        id,
        way,
        what,
        why,
        ...results.map(({ allowed }) => `${allowed[id]}`),
      ])
    ),
    "",
  ].join("\n");
}

export function said(differences: readonly Difference[]): string {
  const [first, ...more] = differences;
  if (first === undefined) return "nothing";
  const { way, what, name = "", direct, through } = first;
  const tail = more.length > 0 ? ` (and ${more.length} more)` : "";
  return `${[way, what, name].filter(Boolean).join(" ")}: ${short(direct)} → ${
    short(through)
  }${tail}`;
}

function table(results: readonly Result[]): string[][] {
  const [first] = results;
  return [
    ["family", ...results.map(({ name }) => name)],
    ...first!.families.map(({ family }, i) => [
      family,
      ...results.map(({ families }) => of(families[i]!)),
    ]),
    ["all", ...results.map((result) => `${of(result)} (${percent(result)} %)`)],
  ];
}

function of({ passed, total }: { passed: number; total: number }): string {
  return `${passed}/${total}`;
}

/** Never 100 for what is not all. */
function percent({ passed, total }: { passed: number; total: number }): string {
  return total === 0 ? "100" : `${Math.floor(passed / total * 1000) / 10}`;
}

function firsts({ name, families, reproductions }: Result): string[] {
  const found = families.flatMap(({ family, first }) =>
    first ? [`  ${family}, ${first.name}: ${said(first.differences)}`] : []
  );
  return [
    `${name}: ${found.length === 0 ? "no difference" : "first differences"}`,
    ...found,
    ...reproductions.map((one) => `  reproduction: ${one}`),
  ];
}

function short(value: string | undefined): string {
  if (value === undefined) return "nothing";
  return value.length <= 120 ? value : `${value.slice(0, 120)}…`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map((row) =>
    row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()
  );
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
