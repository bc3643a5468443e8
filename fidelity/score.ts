/** Plays all cases against a gateway and adds up what came through as it was. */

import { ALLOWED, allowedBy } from "./allow.ts";
import { type Case, type Families, type Gateway, playBoth } from "./case.ts";
import { compare, type Difference } from "./compare.ts";
import type { Origin } from "./origin.ts";

export interface Failure {
  readonly family: string;
  readonly name: string;
  readonly differences: readonly Difference[];
}

export interface FamilyScore {
  readonly family: string;
  readonly passed: number;
  readonly total: number;
  /** What the first case that failed was about. */
  readonly first?: Failure;
}

export interface Score {
  readonly passed: number;
  readonly total: number;
  readonly families: readonly FamilyScore[];
  readonly failures: readonly Failure[];
  /** How many cases each line of the allow list was needed by. */
  readonly allowed: Readonly<Record<string, number>>;
}

export interface Ground {
  readonly origin: Origin;
  readonly gateway: Gateway;
}

export async function score(
  families: Families,
  ground: Ground,
): Promise<Score> {
  const allowed = Object.fromEntries(ALLOWED.map(({ id }) => [id, 0]));
  const failures: Failure[] = [];
  const scores: FamilyScore[] = [];
  for (const [family, cases] of Object.entries(families)) {
    let first: Failure | undefined;
    let passed = 0;
    for (const one of cases) {
      const { differences, needed } = await judge(one, ground);
      for (const id of needed) allowed[id]!++;
      if (differences.length === 0) {
        passed++;
        continue;
      }
      const failure = { family, name: one.name, differences };
      failures.push(failure);
      first ??= failure;
    }
    const total = cases.length;
    scores.push({ family, passed, total, ...(first && { first }) });
  }
  const sum = (of: (score: FamilyScore) => number) =>
    scores.reduce((all, score) => all + of(score), 0);
  return {
    passed: sum(({ passed }) => passed),
    total: sum(({ total }) => total),
    families: scores,
    failures,
    allowed,
  };
}

export interface Verdict {
  /** Those that nothing allows. */
  readonly differences: readonly Difference[];
  /** The lines of the allow list that the others needed. */
  readonly needed: ReadonlySet<string>;
}

/** Plays one case. What cannot be played through the gateway is a difference too. */
export async function judge(one: Case, ground: Ground): Promise<Verdict> {
  const { origin, gateway } = ground;
  const needed = new Set<string>();
  let found: Difference[];
  try {
    found = compare(await playBoth(one, ground), gateway);
  } catch (error) {
    const through = error instanceof Error ? error.message : `${error}`;
    found = [{ way: "case", what: "error", direct: undefined, through }];
  }
  const about = { one, gateway, origin: origin.url };
  const differences = found.filter((difference) => {
    const line = allowedBy(difference, about);
    if (line) needed.add(line.id);
    return line === undefined;
  });
  return { differences, needed };
}
