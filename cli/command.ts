/**
 * What a command is made of.
 *
 * @module
 */

import type { Row } from "./print.ts";

/** What a command gives: `json` for programs, `text` for people. */
export interface Output {
  /** One value. */
  readonly json: unknown;
  /** The same, to be read. */
  readonly text: string;
  /** It was done, and not well: exit 1. */
  readonly failed?: boolean;
}

/** What takes its time: lines to be read as they come, and at last the whole, whose `text` ends them. */
export type Slowly = AsyncGenerator<string, Output>;

/** What a command does with its options and the words after its name. */
export type Run = (
  values: Row,
  ...words: string[]
) => Output | Promise<Output> | Slowly;

/** By usage line, which says what a command takes: nothing else is let through. */
export type Commands = Readonly<Record<string, Run>>;

/** Calls the admin API, and throws its problems. */
export type Call = (method: string, path: string, body?: Row) => Promise<Row>;

/** A segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
