/** The README's tables say what the code does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ENDPOINT_CLASSES, USUAL_ENDPOINTS } from "./core/provider.ts";
import { REFUSALS } from "./core/refusal.ts";
import { SETTINGS } from "./core/environment.ts";
import { TOKEN_PATTERN } from "./core/token.ts";
import { PROVIDERS } from "./providers/mod.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");

/** The rows of the table under a heading, cells trimmed. */
function rows(heading: string): string[][] {
  const [, section = ""] = readme.split(`\n## ${heading}\n`);
  const lines = section.split("\n## ")[0]!.split("\n")
    .filter((line) => line.startsWith("|")).slice(2);
  return lines.map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

Deno.test("README: the settings table is the code's", () => {
  assert.deepEqual(
    rows("Settings"),
    Object.entries(SETTINGS).map(([name, { default: value, about }]) => [
      `\`${name}\``,
      /^[\w./:]+$/.test(value) ? `\`${value}\`` : value,
      about,
    ]),
  );
});

Deno.test("README: the refusals table is the code's", () => {
  assert.deepEqual(
    rows("Refusals"),
    Object.entries(REFUSALS).map(([code, { status, retry, detail }]) => [
      `${status}`,
      `\`${code}\``,
      retry ? "yes" : "no",
      code === "client_closed" ? "in the log only" : detail,
    ]),
  );
});

Deno.test("README: the endpoints table is the code's", () => {
  assert.deepEqual(
    rows("Endpoints"),
    Object.entries(ENDPOINT_CLASSES).map(([name, about]) => [
      `\`${name}\``,
      USUAL_ENDPOINTS.some((usual) => usual === name) ? "yes" : "",
      about,
    ]),
  );
});

Deno.test("README: the providers table has the code's rows and origins", () => {
  assert.deepEqual(
    rows("Providers").map(([id, origin]) => [id, origin]),
    PROVIDERS.map(({ id, origin }) => [`\`${id}\``, `\`${origin}\``]),
  );
});

Deno.test("README: the scanner's pattern is the code's", () => {
  assert.ok(readme.includes(TOKEN_PATTERN.source.replaceAll("\\b", "")));
});

Deno.test("README: every task and file it names is there", () => {
  const { tasks } = JSON.parse(
    readFileSync(new URL("deno.json", import.meta.url), "utf8"),
  );
  for (const [, task] of readme.matchAll(/deno task (\w+)/g)) {
    assert.ok(tasks[task!], task);
  }
  for (const [, file] of readme.matchAll(/\]\(([^)#:]+)\)/g)) {
    assert.ok(new URL(file!, import.meta.url) && readable(file!), file);
  }
});

function readable(file: string): boolean {
  try {
    readFileSync(new URL(file, import.meta.url));
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EISDIR";
  }
}

Deno.test("nothing tracked names a package registry's host", () => {
  for (
    const file of [
      "deno.lock",
      "README.md",
      "package.json",
      "test/sdk/deno.lock",
    ]
  ) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    assert.doesNotMatch(text, /https?:\/\/registry\./, file);
  }
});
