/**
 * Answers that are remembered, for questions of which few differ and all may.
 *
 * @module
 */

/** Answers remembered at most; then all are forgotten. */
const MOST = 500;
/** Longest question that is remembered, UTF-16 units. */
const LONGEST = 2_000;

/**
 * `work`, which must be pure, with the answers it gave.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { remembering } from "./memo.ts";
 *
 * let worked = 0;
 * const length = remembering((text) => (worked++, text.length));
 * assert.deepEqual([length("abc"), length("abc"), worked], [3, 3, 1]);
 * ```
 */
export function remembering<Answer extends string | number | object>(
  work: (question: string) => Answer,
): (question: string) => Answer {
  const answers = new Map<string, Answer>();
  return (question) => {
    const known = answers.get(question);
    if (known !== undefined) return known;
    const answer = work(question);
    if (question.length > LONGEST) return answer;
    if (answers.size >= MOST) answers.clear();
    answers.set(question, answer);
    return answer;
  };
}

/** The same for each of several tables, which are forgotten with what they hang on. */
export function rememberingOf<
  Table extends object,
  Answer extends string | number | object,
>(
  work: (table: Table, question: string) => Answer,
): (table: Table, question: string) => Answer {
  const tables = new WeakMap<Table, (question: string) => Answer>();
  return (table, question) => {
    let ask = tables.get(table);
    if (ask === undefined) {
      ask = remembering((question) => work(table, question));
      tables.set(table, ask);
    }
    return ask(question);
  };
}
