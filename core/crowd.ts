/**
 * When much has gathered that has to be cleared away: many answers that begin
 * at once leave dead objects behind, and while they last nothing else asks for
 * room.
 *
 * @module
 */

/** Watches how many answers are on their way down: it is they that leave much behind, not the requests that wait for one. */
export interface Crowd {
  /** One more has begun. */
  grows(size: number): void;
  /** `size` are on their way; `long` flights, answered or not, are under way since a while. */
  stays(size: number, long: number): void;
}

/** So many, or so many more, are a crowd; of many, an eighth more. */
const CROWD = 64;
/** One that stays is cleared after again so long, milliseconds, */
const AGAIN = 900;
/** and at most this part of the time. */
const SHARE = 1 / 10;
/** Of more than this nothing is cleared by force: the heap is so large that all would notice. */
const MOST = 1_000;
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
      const many = size >= high + Math.max(CROWD, high / 8);
      if (many && size <= MOST) gather(size);
    },
    stays(size, long) {
      const since = now() - cleared;
      const many = long >= CROWD && size <= MOST;
      if (many && since >= again) gather(size);
      else if (since >= FORGOTTEN) high = Math.min(high, size);
    },
  };
}
