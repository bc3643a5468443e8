/**
 * Short words at the foot of the page, some of which can be taken back.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "./api.ts";

/** A short word at the foot of the page. */
export interface Notice {
  readonly text: string;
  readonly bad?: boolean;
  /** Takes it back, as long as the word stands. */
  readonly undo?: () => void;
  /** Done when it goes without having been taken back. */
  readonly done?: () => void;
}

interface Standing extends Notice {
  readonly id: number;
}

/** Milliseconds that a word stands. */
const STANDS = 8_000;
let notices: readonly Standing[] = [];
let heard: (all: readonly Standing[]) => void = () => {};
let count = 0;

/** Says something. */
export function say(notice: Notice): void {
  const standing = { ...notice, id: ++count };
  show([...notices, standing]);
  setTimeout(() => {
    if (!notices.includes(standing)) return;
    show(notices.filter((one) => one !== standing));
    standing.done?.();
  }, STANDS);
}

/** Says what went wrong. */
export function sayFailure(error: unknown): void {
  const text = error instanceof Failure
    ? error.message
    : "The page failed. Reload it.";
  if (!(error instanceof Failure)) console.error(error);
  say({ text, bad: true });
}

function show(all: readonly Standing[]) {
  notices = all;
  heard(all);
}

/** Where they are said. */
export function Notices(): JSX.Element {
  const [all, setAll] = useState(notices);
  useEffect(() => void (heard = setAll), []);
  return (
    <div class="notices" role="status" aria-live="polite">
      {all.map((one) => (
        <div key={one.id} class={one.bad ? "notice bad" : "notice"}>
          <span>{one.text}</span>
          {one.undo && (
            <button
              type="button"
              onClick={() => {
                show(notices.filter(({ id }) => id !== one.id));
                one.undo!();
              }}
            >
              Undo
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-label="Dismiss"
            onClick={() => {
              show(notices.filter(({ id }) =>
                id !== one.id
              ));
              one.done?.();
            }}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
