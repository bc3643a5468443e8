/** What a run has found, as it is kept, and what is asked of it. */

import { FIGURES } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { Sample, Times } from "./parts.ts";
import { type Spread, spread } from "./statistics.ts";

/** One subject's part of one round: figures, or why there are none. */
export interface Outcome {
  readonly subject: string;
  readonly part: string;
  readonly round: number;
  readonly sample?: Sample;
  readonly broken?: string;
}

export interface Size {
  readonly part: string;
  /** Bytes. */
  readonly minified: number;
  readonly gzip: number;
}

/** A subject as the reader of the results knows it. */
export interface Described {
  readonly id: string;
  readonly title: string;
  readonly about: string;
}

export interface Result {
  /** ISO 8601, UTC. */
  readonly when: string;
  /** How long it all took. */
  readonly seconds: number;
  readonly command: string;
  readonly rounds: number;
  readonly times: Times;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Events per second that the origin of streams writes to whoever asks for no pause. */
  readonly capacity?: number;
  readonly bundle: readonly Size[];
  readonly subjects: readonly Described[];
  readonly outcomes: readonly Outcome[];
}

/** A figure's values, each with its round. Of what a subject adds, its own less `direct`'s of the same round. */
export function valuesOf(
  { outcomes }: Pick<Result, "outcomes">,
  subject: string,
  id: string,
): readonly (readonly [round: number, value: number])[] {
  const { part, added } = FIGURES.find((figure) => figure.id === id)!;
  const raw = (of: string) =>
    outcomes.filter((one) => one.subject === of && one.part === part)
      .flatMap(({ round, sample }) =>
        sample?.[id] === undefined ? [] : [[round, sample[id]] as const]
      );
  if (!added || subject === "direct") return raw(subject);
  const floor = new Map(raw("direct"));
  return raw(subject).flatMap(([round, value]) =>
    floor.has(round) ? [[round, value - floor.get(round)!] as const] : []
  );
}

export function spreadOf(
  result: Pick<Result, "outcomes">,
  subject: string,
  id: string,
): Spread | undefined {
  return spread(valuesOf(result, subject, id).map(([, value]) => value));
}

/** Requests or streams that failed, and what broke a part off; empty is good. */
export function failuresOf({ outcomes, subjects }: Result): string[] {
  return outcomes.flatMap(({ subject, part, round, sample, broken }) => {
    const { title } = subjects.find(({ id }) => id === subject)!;
    const where = `${title}, ${part}, round ${round + 1}`;
    const failed = sample?.failed ?? 0;
    if (broken !== undefined) return [`${where}: ${broken}`];
    return failed > 0 ? [`${where}: ${failed} failed`] : [];
  });
}
