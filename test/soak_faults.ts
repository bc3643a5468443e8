/** The soak's faults, one after another: doppel is stopped and killed in the first part of a run only, so that one process lives through the rest of it. */

import type { Fault, Spell } from "./soak_judge.ts";
import { type SoakOrigin, wait } from "./soak_origin.ts";
import type { SoakStore } from "./soak_store.ts";
import type { SoakSubject } from "./soak_subject.ts";

/** What faults are made with. */
export interface Act {
  readonly origin: SoakOrigin;
  readonly store: SoakStore;
  readonly subject: SoakSubject;
  readonly spells: Spell[];
  readonly happened: (name: string) => void;
  readonly stopped: (how: { took: number; code: number | null }) => void;
}

interface Step {
  readonly name: string;
  readonly fault: Fault;
  /** Seconds since the beginning. */
  readonly at: number;
  readonly happen: (act: Act) => Promise<void>;
}

/** Milliseconds that the clock is put off. */
export const CLOCK_OFF = 90_000;

/** Clock put off for a while. */
const clock = (name: string, offset: number, milliseconds: number) => ({
  name,
  fault: "clock",
  async happen({ subject }: Act) {
    subject.setClock(offset);
    await wait(milliseconds);
    subject.setClock(0);
    // It is believed for a moment.
    await wait(100);
  },
} as const);

const RESTARTS = [
  {
    name: "stopped",
    fault: "term",
    async happen({ subject, stopped }: Act) {
      stopped(await subject.stop());
      await subject.start();
    },
  },
  {
    name: "killed",
    fault: "kill",
    async happen({ subject }: Act) {
      await subject.kill();
      await subject.start();
    },
  },
] as const;

const AWAY = {
  name: "origin away",
  fault: "origin",
  async happen({ origin }: Act) {
    await origin.leave();
    await wait(500);
    await origin.comeBack();
  },
} as const;

/** Part of a run in which doppel is stopped and killed. */
const STORM = 0.4;
/** Seconds between two faults of a long run. */
const APART = 25;

export function scheduleOf(
  { seconds, pace }: { readonly seconds: number; readonly pace: number },
  { outages }: SoakStore,
): Step[] {
  const lasts = Math.max(1_000, 8_000 * pace);
  const gentle = [
    ...outages.map(({ name, fault, milliseconds, happen }) => ({
      name: `store ${name}`,
      fault,
      happen: () => happen(milliseconds),
    })),
    clock("clock ahead", CLOCK_OFF, lasts),
    AWAY,
    clock("clock behind", -CLOCK_OFF, lasts),
  ];
  const all = [...RESTARTS, ...gentle];
  // A short run has each fault once.
  const apart = Math.min(APART, seconds * 0.8 / all.length);
  const steps: Step[] = [];
  for (let at = apart / 2, n = 0; at < seconds * 0.85; at += apart, n++) {
    const kinds = n < all.length ? all : at < seconds * STORM ? all : gentle;
    steps.push({ ...kinds[n % kinds.length]!, at });
  }
  return steps;
}

/** One after another; one that is late begins at once. */
export async function playFaults(
  steps: readonly Step[],
  act: Act,
): Promise<void> {
  const began = Date.now();
  for (const { name, fault, at, happen } of steps) {
    await wait(Math.max(0, began + at * 1_000 - Date.now()));
    const spell: Spell = { fault, from: Date.now(), to: Infinity };
    act.spells.push(spell);
    await happen(act);
    spell.to = Date.now();
    act.happened(name);
  }
}
