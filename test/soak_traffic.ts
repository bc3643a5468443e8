/** What the soak asks: which call comes next, with which token. */

import type { Call, Manners } from "./soak_client.ts";
import type { Use } from "./soak_judge.ts";
import type { Fate, Order } from "./soak_origin.ts";

/** How long things take: 1 in a long run, less in a short one. */
export type Pace = number;

/** Part of all calls, and what they are. */
interface Kind {
  readonly weight: number;
  readonly use: Use;
  readonly fate: Fate;
  readonly manners?: (roll: () => number, pace: Pace) => Manners;
  /** Milliseconds, at a pace of 1. */
  readonly takes?: readonly [least: number, most: number];
  readonly events?: readonly [least: number, most: number];
  readonly size?: number;
}

const between = (
  roll: () => number,
  [least, most]: readonly [number, number],
) => least + Math.floor(roll() * (most - least + 1));

const MiB = 1_048_576;
const leaves = (roll: () => number, pace: Pace): Manners => ({
  leaves: between(roll, [0, 2_500 * pace]),
});
const STREAM = { takes: [300, 4_000], events: [3, 20] } as const;

const KINDS: readonly Kind[] = [
  { weight: 20, use: "steady", fate: "json", manners: () => ({ keeps: true }) },
  { weight: 10, use: "steady", fate: "json" },
  { weight: 4, use: "steady", fate: "json", takes: [2_000, 8_000] },
  { weight: 20, use: "steady", fate: "stream", ...STREAM },
  { weight: 3, use: "rough", fate: "limited" },
  { weight: 3, use: "rough", fate: "failing" },
  { weight: 2, use: "rough", fate: "overloaded" },
  { weight: 3, use: "rough", fate: "dropped" },
  { weight: 3, use: "rough", fate: "reset", manners: () => ({ keeps: true }) },
  { weight: 3, use: "rough", fate: "broken", ...STREAM },
  { weight: 2, use: "rough", fate: "short", size: 20_000 },
  { weight: 6, use: "rough", fate: "stream", manners: leaves, ...STREAM },
  {
    weight: 3,
    use: "rough",
    fate: "json",
    manners: leaves,
    takes: [500, 2_500],
  },
  {
    weight: 3,
    use: "rough",
    fate: "stream",
    events: [64, 128],
    size: 32_768,
    manners: (roll, pace) => ({
      dawdles: 1 + between(roll, [2, 20]) * pace,
    }),
  },
  {
    weight: 4,
    use: "rough",
    fate: "upload",
    manners: (roll) => ({
      uploads: {
        bytes: between(roll, [1, 4 * MiB]),
        chunked: roll() < 0.5,
      },
    }),
  },
  {
    weight: 4,
    use: "rough",
    fate: "echo",
    takes: [500, 6_000],
    manners: (roll) => ({ messages: between(roll, [1, 12]) }),
  },
  {
    weight: 1,
    use: "rough",
    fate: "echo",
    takes: [4_000, 6_000],
    manners: (roll, pace) => ({ messages: 12, ...leaves(roll, pace) }),
  },
  { weight: 3, use: "drains", fate: "stream", manners: leaves, ...STREAM },
  { weight: 8, use: "paced", fate: "json" },
  { weight: 8, use: "narrow", fate: "stream", ...STREAM },
  { weight: 5, use: "budget", fate: "json" },
  { weight: 5, use: "budget", fate: "stream", ...STREAM },
  { weight: 1, use: "budget", fate: "stream", manners: leaves, ...STREAM },
  { weight: 4, use: "fleeting", fate: "json" },
  { weight: 4, use: "fleeting", fate: "stream", ...STREAM },
  { weight: 2, use: "unknown", fate: "json" },
];

const WHOLE = KINDS.reduce((sum, { weight }) => sum + weight, 0);

/** A call of random kind, and what its token has to be for. */
export function nextCall(
  id: string,
  roll: () => number,
  pace: Pace,
): Call & { readonly use: Use } {
  let place = roll() * WHOLE;
  const kind = KINDS.find(({ weight }) => (place -= weight) < 0) ?? KINDS[0]!;
  return { use: kind.use, ...callOf(id, kind, { roll, pace }) };
}

/** A stream that goes on for a while. */
export function longStream(
  id: string,
  roll: () => number,
  pace: Pace,
): Call & { readonly use: Use } {
  const kind: Kind = {
    weight: 0,
    use: "steady",
    fate: "stream",
    takes: [10_000, 25_000],
    events: [20, 50],
  };
  return { use: "steady", ...callOf(id, kind, { roll, pace }) };
}

/** What ends well. */
export function calmCall(
  id: string,
  fate: "json" | "stream",
  roll: () => number,
): Call {
  const kind: Kind = { weight: 0, use: "steady", fate, events: [3, 5] };
  return callOf(id, kind, { roll, pace: 1 });
}

function callOf(
  id: string,
  { fate, manners, takes = [0, 100], events = [1, 1], size = 20 }: Kind,
  { roll, pace }: { roll: () => number; pace: Pace },
): Call {
  const order: Order = {
    id,
    fate,
    takes: Math.round(between(roll, takes) * pace),
    events: between(roll, events),
    size,
    prompt: between(roll, [1, 150]),
    completion: between(roll, [1, 400]),
  };
  return { order, manners: manners?.(roll, pace) ?? {} };
}
