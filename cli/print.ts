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
  return `${
    details(rest)
  }\n\n${token}\n\nThis is shown once; doppel keeps only its hash.`;
}

/** A line for each field that holds something. */
export function details(row: Row): string {
  const shown = Object.entries(row).filter(([, value]) =>
    value !== null && value !== "" && `${value}` !== ""
  );
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`)
    .join("\n");
}

/** What a list shows of a token. */
export function summary(
  { id, label, status, providers, expires, lastUsed }: Row,
) {
  return { id, label, status, providers, expires, lastUsed };
}

/** Rows in columns, under the names of the first one's fields. */
export function table(rows: readonly Row[]): string {
  if (rows.length === 0) return "none";
  const names = Object.keys(rows[0]!);
  const lines = [
    names,
    ...rows.map((row) => names.map((name) => cell(row[name]))),
  ];
  const widths = names.map((_, i) =>
    Math.max(...lines.map((line) => line[i]!.length))
  );
  return lines.map((line) =>
    line.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd()
  )
    .join("\n");
}

/** Control characters stay out of the terminal, whoever wrote the label. */
function cell(value: unknown): string {
  const text = value === null || value === undefined
    ? "-"
    : Array.isArray(value)
    ? value.join(",")
    : `${value}`;
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "�");
}

/** When doppel is paused. */
export function pauseText({ paused, from, until }: Row): string {
  const when = paused ? "paused" : from ? `to be paused from ${from}` : "";
  const end = until ? ` until ${until}` : "";
  return `doppel is ${when ? when + end : "not paused"}.`;
}
