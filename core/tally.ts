/**
 * The counts found in an answer, put together.
 *
 * @module
 */

import { guessAnswer, type Guessing } from "./estimate.ts";
import { openState, type State, take } from "./found.ts";
import type { Answer, Counts, Metered, Metering } from "./meter.ts";
import type { Finder } from "./scan.ts";
import { addUsage, largerUsage, type Usage } from "./usage.ts";

/** Takes what is found, tells what it comes to. */
export interface Tally {
  /** What the scan reports to. */
  readonly finder: Finder;
  /** So many bytes have passed. */
  weigh(bytes: number): void;
  /** What the sum would be now. */
  soFar(): Metered;
  /** The sum; `readable`: all that passed could be read; `whole`: it was all there was. */
  close(ending: { readable: boolean; whole: boolean }): Metered;
}

/** Models told apart in one answer; what others use is counted as nobody's. */
const MOST_MODELS = 32;
/** Counts of one event that wait for its end, where the model may be named. */
const MOST_PENDING = 256;
/** `Content-Type` of a stream of events. */
export const EVENTS = /^text\/event-stream\b/i;

const MEASURED: ReadonlySet<string> = new Set(["text", "audio"]);

/** Events after which nothing more is used. */
const LAST =
  /^(?:response\.(?:completed|incomplete|failed)|image_(?:generation|edit)\.completed|speech\.audio\.done|transcript\.text\.done|message_stop|interaction\.completed?)$/;
/** Events that say again what others have said, or less than the last one. */
const REPEATS = /(?:\.done|\.completed|partial_image)$/;
/** Events whose `delta` is sound. */
const SOUND = /audio\.delta$/;
/** What a thing is called that has still to be made. */
const LATER = /^(?:queued|in_progress|validating|finalizing)$/;

/** Opens a tally for an answer of an endpoint that is metered so. */
export function openTally(how: Metering, answer: Answer): Tally {
  const state = openState();
  return {
    finder: {
      measured: MEASURED,
      found: (name, text) => {
        take(state, name, text);
        if (state.pending.length >= MOST_PENDING) addPending(state, how);
      },
      passed: (name, bytes) => {
        state.event[name as "text" | "audio"] += bytes;
      },
      ended: (word) => {
        const { type = "" } = state.named;
        // `[DONE]` reads as a list of one bare word.
        if (word === "DONE" || LAST.test(type)) state.last = true;
        endEvent(state, how);
      },
    },
    weigh: (bytes) => {
      state.bytes += bytes;
    },
    soFar: () => {
      const ending = { readable: true, whole: false };
      return close(structuredClone(state), how, answer, ending);
    },
    close: (ending) => close(state, how, answer, ending),
  };
}

/** A value of the stream has ended, or been cut off. */
function endEvent(state: State, how: Metering): void {
  const { event, passed, named, pending } = state;
  const { type = "" } = named;
  if (how.each && pending.length > 0) {
    addPending(state, how);
    passed.text = passed.audio = 0;
  } else if (SOUND.test(type)) passed.audio += event.text + event.audio;
  else if (!REPEATS.test(type)) {
    passed.text += event.text;
    passed.audio += event.audio;
  }
  if (!type.endsWith("partial_image")) state.images += event.images;
  state.pending = [];
  event.text = event.audio = event.images = 0;
  if (how.each) {
    state.searches = 0;
    state.tools = {};
  }
  named["type"] = undefined;
}

function addPending(state: State, how: Metering): void {
  if (how.each) {
    for (const counts of state.pending) addBills(state, how, counts);
  }
  state.pending = [];
}

function addBills(state: State, how: Metering, counts: Counts): void {
  const { bills, named, searches, tools } = state;
  const { type, hearer, model } = named;
  state.tier = how.dialect.tier?.(counts) ?? state.tier;
  const cost = how.dialect.cost?.(counts);
  if (cost !== undefined) state.cost = (state.cost ?? 0) + cost;
  const beside = { type, hearer, searches, tools };
  for (const bill of how.dialect.read(counts, beside)) {
    const name = bill.model ?? model ?? "";
    const key = bills.has(name) || bills.size < MOST_MODELS ? name : "";
    bills.set(key, addUsage(bills.get(key) ?? {}, bill.usage));
  }
}

function close(
  state: State,
  how: Metering,
  answer: Answer,
  { readable, whole }: { readable: boolean; whole: boolean },
): Metered {
  // A value that was cut off counts as far as it came.
  endEvent(state, how);
  const { bills, reported, begun, named, lost, images, passed } = state;
  const finished = readable && !lost && (whole || state.last);
  if (!how.each && (reported || begun)) addBills(state, how, state.counts);
  if (how.pictures && images > 0) {
    const main = named["model"] ?? "";
    const usage = addUsage(bills.get(main) ?? {}, { images });
    bills.set(main, usage);
  }
  const common = identity(state, how, answer);
  const { cost } = state;
  if (how.background === "shown" && !state.background) {
    const sure = finished ? "measured" : "estimated";
    return { state: sure, usage: {}, ...common };
  }
  if (common.once && !events(answer) && LATER.test(named["status"] ?? "")) {
    return { state: "estimated", usage: {}, later: true, ...common };
  }
  const known = bills.size > 0;
  const open = how.each
    ? passed.text + passed.audio > 0
    : !(how.pictures && images > 0) &&
      (!reported || passed.text > 0 && !counted(bills));
  if (finished && !open) {
    const told = cost !== undefined && { cost: Math.ceil(cost) };
    return { ...sum("measured", bills, common), ...told };
  }
  return withGuess(state, known ? "partial" : "estimated", {
    how,
    answer,
    common,
  });
}

/** Some count nothing, and write all the same. */
const counted = (bills: ReadonlyMap<string, Usage>) =>
  [...bills.values()].some(({ output, seconds }) => output ?? seconds);

function events({ type }: Answer): boolean {
  return EVENTS.test(type ?? "");
}

/** What is missing, guessed. */
function withGuess(
  { bills, passed, bytes, named }: State,
  state: "partial" | "estimated",
  { how, answer, common }: {
    how: Metering;
    answer: Answer;
    common: Identity;
  },
): Metered {
  const guessing: Guessing = {
    ...passed,
    bytes,
    events: events(answer),
    // Of what counts up, the requests before have been counted.
    asked: how.each ? {} : answer.asked?.() ?? {},
  };
  const guess = (how.guess ?? guessAnswer)(guessing);
  const main = named["model"] ?? "";
  const told = bills.get(main) ?? {};
  const put = how.each ? addUsage : largerUsage;
  // An input that was told is right; a guess would only be worse.
  const missing = told.input === undefined ? guess : { ...guess, input: 0 };
  bills.set(main, put(told, missing));
  return sum(state, bills, common);
}

type Identity = Pick<Metered, "model" | "tier" | "once">;

function identity(
  { named, tier, background }: State,
  how: Metering,
  { path = "" }: Answer,
): Identity {
  const { model, object } = named;
  const level = how.tier ?? tier ?? named["tier"];
  const counted = how.background !== undefined && !background;
  const inPath = how.once instanceof RegExp
    ? how.once.exec(path)?.[1]
    : undefined;
  const once = how.once && !counted ? inPath ?? object : undefined;
  return {
    ...model !== undefined && { model },
    ...typeof level === "string" && { tier: level.toLowerCase() },
    ...once !== undefined && { once },
  };
}

function sum(
  state: Metered["state"],
  bills: ReadonlyMap<string, Usage>,
  common: Identity,
): Metered {
  const usage = [...bills.values()].reduce(addUsage, {});
  const alone = bills.size < 2 && bills.has(common.model ?? "");
  return {
    state,
    usage,
    ...common,
    ...!alone && bills.size > 0 && { byModel: Object.fromEntries(bills) },
  };
}
