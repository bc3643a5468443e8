/**
 * What is loaded, and what stands while doppel does not answer.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "./api.ts";
import { sayFailure } from "./notice.tsx";

/** What is loaded, and again every so often; the last good one stands while doppel does not answer. */
export function useLoaded<Value>(
  load: () => Promise<Value>,
  every = 0,
): {
  readonly value: Value | undefined;
  readonly failure: Failure | undefined;
  readonly again: () => Promise<void>;
} {
  const [value, setValue] = useState<Value>();
  const [failure, setFailure] = useState<Failure>();
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  /** An answer that comes after a later one's question is too old to be shown. */
  const again = async () => {
    const mine = ++turn.current;
    try {
      const value = await latest.current();
      if (mine !== turn.current) return;
      setValue(value);
      setFailure(undefined);
    } catch (error) {
      if (mine !== turn.current) return;
      if (error instanceof Failure) setFailure(error);
      else sayFailure(error);
    }
  };
  useEffect(() => {
    again();
    if (every === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden) again();
    }, every);
    return () => clearInterval(timer);
  }, []);
  return { value, failure, again };
}

/** That it did not answer, while what is shown may be old. */
export function Lost(
  { failure, again }: {
    failure: Failure | undefined;
    again: () => Promise<void>;
  },
): JSX.Element | null {
  return failure
    ? (
      <p class="lost" role="alert">
        {failure.message}{" "}
        <button type="button" onClick={again}>Try again</button>
      </p>
    )
    : null;
}
