/** Rounds: every subject in turn, each time in fresh processes, the order turned round each round. */

import type { Options } from "./options.ts";
import { type OriginName, type Part, type Sitting, warmUp } from "./parts.ts";
import { residentOf } from "./proc.ts";
import { answering } from "./process.ts";
import type { Outcome } from "./result.ts";
import { PATH, QUESTION } from "./shapes.ts";
import type { Row, Stage } from "./row.ts";

export interface Plan {
  readonly rows: readonly Row[];
  readonly parts: readonly Part[];
  readonly options: Options;
  /** URLs. */
  readonly origins: Readonly<Record<OriginName, string>>;
  readonly stage: Omit<Stage, "origin">;
  /** Whoever runs now, for one who ends it all. */
  readonly running: Set<{ readonly stop: () => Promise<void> }>;
  /** Says what goes on. */
  readonly tell: (text: string) => void;
}

export async function runRounds(plan: Plan): Promise<Outcome[]> {
  const { rows, options, tell } = plan;
  const outcomes: Outcome[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
      tell(`round ${round + 1}/${options.rounds}: ${row.title}`);
      for (const [origin, parts] of sittings(plan, row, round)) {
        outcomes.push(...await sit(plan, { row, origin, parts, round }));
      }
    }
  }
  return outcomes;
}

/** The parts of a round by their origin. */
function sittings({ parts }: Plan, row: Row, round: number) {
  const own = parts.filter((part) =>
    !row.without?.includes(part.name) && round < (part.rounds ?? Infinity)
  );
  return Map.groupBy(own, ({ origin }) => origin);
}

interface Seat {
  readonly row: Row;
  readonly origin: OriginName;
  readonly parts: readonly Part[];
  readonly round: number;
}

/** One process, from its start to its end; what breaks a part is told as its outcome, and that of those after it. */
async function sit(plan: Plan, { row, origin, parts, round }: Seat) {
  const outcomes: Outcome[] = [];
  const keep = (part: string, of: Pick<Outcome, "sample" | "broken">) =>
    outcomes.push({ subject: row.id, part, round, ...of });
  const left = new Set(parts);
  let stop = () => Promise.resolve();
  try {
    const url = plan.origins[origin];
    const subject = await row.start({ ...plan.stage, origin: url });
    const { running } = subject;
    if (running) {
      plan.running.add(running);
      stop = () => running.stop().then(() => void plan.running.delete(running));
    }
    await answering(subject.url + PATH, {
      headers: subject.headers,
      content: QUESTION,
    }, running);
    if (running) {
      keep("start", { sample: { cold: performance.now() - running.begun } });
    }
    const sitting: Sitting = {
      subject,
      times: timesOf(plan.options, row),
      folder: plan.stage.folder,
      ...running && { idle: residentOf(running.pid) },
    };
    await warmUp(origin, sitting);
    for (const part of parts) {
      keep(part.name, { sample: await part.measure(sitting) });
      left.delete(part);
    }
  } catch (error) {
    for (const { name } of left) keep(name, { broken: `${error}` });
  }
  await stop();
  return outcomes;
}

function timesOf({ times }: Options, { warm }: Row) {
  return { ...times, warm: Math.max(times.warm, warm ?? 0) };
}
