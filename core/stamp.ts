/**
 * When a token was last used is written at most once a minute by a process.
 *
 * @module
 */

/** Tokens remembered; past it the memory starts anew, at the price of some early stamps. */
const REMEMBERED = 10_000;

/** Tells whether a token was stamped within the last minute, and takes it as stamped now if not. */
export function stamps(now: () => number): (tokenId: string) => boolean {
  const stamped = new Map<string, number>();
  return (tokenId) => {
    const time = now();
    if ((stamped.get(tokenId) ?? -Infinity) > time - 60_000) return true;
    if (stamped.size >= REMEMBERED) stamped.clear();
    stamped.set(tokenId, time);
    return false;
  };
}
