/**
 * Answers as people read them.
 *
 * @module
 */

/** A parsed answer. */
export type Row = Record<string, unknown>;

/** For a shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A minted token, with the one showing of its value. */
export function mintedText({ token, ...rest }: Row): string {
  const once = "This is shown once; doppel keeps only its hash.";
  return `${details(rest)}\n\n${token}\n\n${once}`;
}

/** A line for each field that holds something. */
export function details(row: Row): string {
  return columns(
    Object.entries(row)
      .filter(([, value]) =>
        value !== null && !["", "{}"].includes(cell(value))
      ),
  );
}

/** Rows in columns, under the names of the fields that are shown. */
export function table(names: readonly string[], rows: readonly Row[]): string {
  if (rows.length === 0) return "none";
  return columns([names, ...rows.map((row) => names.map((name) => row[name]))]);
}

function columns(rows: readonly (readonly unknown[])[]): string {
  const lines = rows.map((row) => row.map(cell));
  const width = (column: number) =>
    Math.max(...lines.map((line) => line[column]!.length));
  const widths = lines[0]!.map((_, i) => width(i));
  const padded = (line: readonly string[]) =>
    line.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd();
  return lines.map(padded).join("\n");
}

/** Control characters stay out of the terminal, whoever wrote the label. */
function cell(value: unknown): string {
  const text = Array.isArray(value)
    ? value.join(",")
    : typeof value === "object" && value !== null
    ? JSON.stringify(value)
    : `${value ?? "-"}`;
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "�");
}

/** A line of what an API says of a key. */
export function checkText(row: Row, width: number): string {
  const { id, ok, reason, status, ms, models, detail, balance, hop } = row;
  const facts = [
    ...(status === null ? [] : [`status ${status}`]),
    ...(models === undefined ? [] : [`${models} models`]),
    ...((balance ?? []) as Row[]).map(balanceText),
    ...(hop ? ["through the hop, with its key"] : []),
    ...(status === null ? [] : [`${ms} ms`]),
    ...(detail === undefined ? [] : [detail]),
  ];
  const verdict = cell(ok ? "ok" : reason).padEnd(VERDICT);
  return `${cell(id).padEnd(width)}  ${verdict}  ${cell(facts.join(", "))}`
    .trimEnd();
}

/** Longest of the usual verdicts. */
const VERDICT = "unreachable".length;

function balanceText({ remaining, limit, used, currency }: Row): string {
  const of = (amount: unknown) => `${amount} ${currency ?? ""}`.trim();
  return [
    ...(remaining === undefined ? [] : [`${of(remaining)} left`]),
    ...(limit === undefined ? [] : [`limit ${of(limit)}`]),
    ...(used === undefined ? [] : [`${of(used)} used`]),
  ].join(", ");
}

/** When doppel is paused. */
export function pauseText({ paused, from, until }: Row): string {
  const when = paused ? "paused" : from ? `to be paused from ${from}` : "";
  const end = until ? ` until ${until}` : "";
  return `doppel is ${when ? when + end : "not paused"}.`;
}

/** Sums of what was used, a line a group. */
export function usageText(by: readonly string[], rows: readonly Row[]): string {
  const names = ["requests", "errors", "input", "output", "cost", "guessed"];
  const total = (counts: unknown) =>
    Object.values(counts as Record<string, number>)
      .reduce((sum, count) => sum + count, 0);
  const shown = rows.map((row) => {
    const { input = 0, output = 0 } = row.used as Row;
    const errors = total(row.errors);
    const cost = `$${(Number(row.cost) / 1e6).toFixed(6)}`;
    const more = Number(row.unpriced) > 0 ? ` + ${row.unpriced} unpriced` : "";
    return { ...row, errors, input, output, cost: cost + more };
  });
  return table([...by, ...names], shown);
}
