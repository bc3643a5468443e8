/**
 * What a scan finds in an answer, kept until it is put together.
 *
 * @module
 */

import type { Counts } from "./meter.ts";
import type { Usage } from "./usage.ts";

/** All that was found in an answer so far. */
export interface State {
  /** Counts of all events; of this one, and those like it before. */
  counts: Counts;
  /** Counts of tools. */
  tools: Counts;
  /** Found in this event, for `each`. */
  pending: Counts[];
  /** Strings that stood beside; of the event: `type`. */
  named: Record<string, string | undefined>;
  /** Whether the work goes on behind the answer. */
  background: boolean;
  /** Searches. */
  searches: number;
  /** Bytes to guess from that no count has covered. */
  passed: { text: number; audio: number };
  /** Those of this event. */
  event: { text: number; audio: number; images: number };
  /** Pictures. */
  images: number;
  /** Bytes of the whole answer. */
  bytes: number;
  /** Whether counts came that are not the last. */
  begun: boolean;
  /** Whether counts of the whole came. */
  reported: boolean;
  /** Whether any was too long. */
  lost: boolean;
  /** Whether the last event was seen. */
  last: boolean;
  /** What each model has used. */
  readonly bills: Map<string, Usage>;
  /** As the counts name it. */
  tier: unknown;
  /** Micro-dollars that the API says all this came to. */
  cost: number | undefined;
}

/** Nothing found yet. */
export function openState(): State {
  return {
    counts: {},
    tools: {},
    pending: [],
    named: {},
    background: false,
    searches: 0,
    passed: { text: 0, audio: 0 },
    event: { text: 0, audio: 0, images: 0 },
    images: 0,
    bytes: 0,
    begun: false,
    reported: false,
    lost: false,
    last: false,
    bills: new Map(),
    tier: undefined,
    cost: undefined,
  };
}

/** Longest name taken over, UTF-16 units. */
const LONGEST_NAME = 256;

/** Something asked for was found. */
export function take(
  state: State,
  name: string,
  text: string | undefined,
): void {
  if (name === "image" && text !== "null") state.event.images++;
  const value = parse(text);
  if (name === "action") {
    if (value === "search") state.searches++;
  } else if (name === "background") {
    state.background ||= value === true;
  } else if (name === "seconds") {
    takeCounts(state, "usage", { type: "duration", seconds: value });
  } else if (typeof value === "string") {
    if (value.length <= LONGEST_NAME) state.named[name] = value;
  } else if (name === "usage" || name === "begun" || name === "tools") {
    if (text === undefined) state.lost = true;
    if (typeof value !== "object" || value === null) return;
    takeCounts(state, name, value as Counts);
  }
}

function takeCounts(state: State, name: string, counts: Counts): void {
  const told = Object.entries(counts).filter(([, count]) => count !== null);
  if (told.length === 0) return;
  const given = Object.fromEntries(told);
  if (name === "tools") state.tools = given;
  else state.counts = { ...state.counts, ...given };
  if (name === "usage") {
    state.reported = true;
    state.pending.push(given);
  } else state.begun = true;
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
