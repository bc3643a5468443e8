/**
 * An end for what must not take longer.
 *
 * @module
 */

/**
 * Does what may take so many milliseconds, with a signal that aborts then. Not
 * `AbortSignal.timeout()`: its timer outlives the work, and Deno does not stop
 * before it is over.
 */
export async function within<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), milliseconds);
  try {
    return await work(late.signal);
  } finally {
    clearTimeout(timer);
  }
}
