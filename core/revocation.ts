/**
 * How a request under way hears that it is to end before its end, whoever
 * carries it at the moment.
 *
 * @module
 */

import type { Refusal } from "./refusal.ts";
import { OwnSignal, type Signal } from "./signal.ts";

/** Whether what is under way may go on, told to whoever carries it at the moment. */
export interface Revocation {
  /** Why it may not; absent while it may. */
  readonly why: Refusal | undefined;
  /** Aborts when the client leaves and is not outlived, and when it is ended before anybody else hears of that. */
  readonly signal: Signal;
  /** From now on `end` is told, and nothing aborted. */
  hear(end: (why: Refusal) => void): void;
  /** `leave` is told when the client leaves, be it outlived or not; at once where it has. */
  hearLeaving(leave: () => void): void;
  /** Ends it. */
  end(why: Refusal): void;
  /** Aborts when the client leaves. */
  readonly client: AbortSignal;
  /** From now on it goes on without the client, for {@linkcode DRAIN_FOR}. */
  outlive(): void;
  /** Whether it does. */
  readonly outlives: boolean;
}

/** Milliseconds that an answer is read on for its bill when the client has left. */
export const DRAIN_FOR = 60_000;

/** Nothing is ended yet; `left` aborts when the client leaves, `whenOver` takes what is to be done when nobody is left to be told. */
export function openRevocation(
  left: AbortSignal,
  whenOver: (work: () => void) => void,
): Revocation {
  const signal = new OwnSignal();
  const abort = () => signal.abort();
  let over = false;
  let patience: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leaves = () => {};
  const leave = () => {
    if (over) return;
    if (patience === undefined) abort();
    else timer = setTimeout(abort, patience);
    leaves();
  };
  left.addEventListener("abort", leave);
  whenOver(() => {
    over = true;
    clearTimeout(timer);
  });
  if (left.aborted) abort();
  let hears: (why: Refusal) => void = abort;
  const revocation = {
    why: undefined as Refusal | undefined,
    signal,
    hear: (end: (why: Refusal) => void) => void (hears = end),
    hearLeaving(leave: () => void) {
      leaves = leave;
      if (left.aborted) leave();
    },
    end(why: Refusal) {
      revocation.why = why;
      hears(why);
    },
    client: left,
    outlive: () => void (patience = DRAIN_FOR),
    get outlives() {
      return patience !== undefined;
    },
  };
  return revocation;
}
