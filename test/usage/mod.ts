/**
 * The corpus: answers of every wire, each with its source and date, and what
 * they come to, reckoned by hand.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import {
  type Answer,
  type Meter,
  type Metered,
  meteringOf,
  openMeter,
} from "../../core/meter.ts";
import { requestLine } from "../../core/provider.ts";
import type { Usage } from "../../core/usage.ts";
import { PROVIDERS } from "../../providers/mod.ts";

/** One answer, in one of the forms `json` … `messages`. */
export interface Case {
  readonly name: string;
  /** The URL or SDK type the shape was taken from. */
  readonly source: string;
  readonly date: string;
  readonly provider: string;
  readonly line: string;
  readonly type?: string;
  readonly asked?: Usage;
  readonly json?: unknown;
  readonly events?: readonly unknown[];
  /** Whether events have an `event:` line. */
  readonly named?: boolean;
  readonly lines?: readonly unknown[];
  readonly text?: string;
  readonly raw?: string;
  readonly messages?: readonly unknown[];
  readonly binary?: boolean;
  readonly is: Metered;
  /** State by number of events seen before a cut: `e`stimated, `p`artial. */
  readonly cuts?: string;
  readonly cutUsage?: Readonly<Record<string, Usage>>;
}

const root = new URL("./", import.meta.url);

export const CORPUS: readonly (Case & { readonly file: string })[] =
  readdirSync(root).filter((file) => file.endsWith(".json")).sort()
    .flatMap((file) =>
      (JSON.parse(readFileSync(new URL(file, root), "utf8")) as Case[])
        .map((row) => ({ ...row, file }))
    );

/** The pieces of a body, in which nothing is lost by a cut between two. */
export function pieces(row: Case, newline = "\n"): string[] {
  const { json, events, lines, text, raw, named } = row;
  if (events) {
    return events.map((event) => {
      const data = typeof event === "string" ? event : JSON.stringify(event);
      const { type } = Object(event);
      const head = named ? `event: ${type}${newline}` : "";
      return `${head}data: ${data}${newline}${newline}`;
    });
  }
  if (lines) return lines.map((line) => JSON.stringify(line) + newline);
  const whole = text ?? raw ?? JSON.stringify(json, null, 2);
  return [whole.replaceAll("\n", newline)];
}

export function typeOf({ type, events }: Case): string {
  return type ??
    (events ? "text/event-stream; charset=utf-8" : "application/json");
}

/** A meter as a gateway would open it. */
export function meterFor(row: Case, answer: Partial<Answer> = {}): Meter {
  const provider = PROVIDERS.find(({ id }) => id === row.provider)!;
  const [method = "", path = ""] = row.line.split(" ");
  return openMeter(meteringOf(provider.usage, requestLine(method, path)), {
    status: row.messages ? 101 : 200,
    type: typeOf(row),
    path,
    asked: () => row.asked ?? { input: 7 },
    ...answer,
  });
}
