/**
 * When much has gathered that has to be cleared away: many flights at once
 * leave dead objects behind, and while they last nothing else asks for room.
 *
 * @module
 */

/** Watches how many flights there are. */
export interface Crowd {
  /** One more has taken off. */
  grows(size: number): void;
  /** `size` are under way, `long` of them since a while. */
  stays(size: number, long: number): void;
}

/** So many flights, or so many more, are a crowd; of many, an eighth more. */
const CROWD = 64;
/** One that stays is cleared after again so long, milliseconds, */
const AGAIN = 1_000;
/** and at most this part of the time. */
const SHARE = 1 / 25;
/** One that has gone may come anew after so long, milliseconds: a load that comes and goes is not cleared after each time. */
const FORGOTTEN = 60_000;

/** Calls `clear` with each crowd; `now` is milliseconds of a clock that nobody sets, as `performance.now`. */
export function createCrowd(now: () => number, clear: () => void): Crowd {
  let high = 0;
  let cleared = 0;
  let again = 0;
  const gather = (size: number) => {
    const began = now();
    clear();
    high = size;
    cleared = now();
    again = Math.max(AGAIN, (cleared - began) / SHARE);
  };
  return {
    grows(size) {
      if (size >= high + Math.max(CROWD, high / 8)) gather(size);
    },
    stays(size, long) {
      const since = now() - cleared;
      if (long >= CROWD && since >= again) gather(size);
      else if (since >= FORGOTTEN) high = Math.min(high, size);
    },
  };
}
