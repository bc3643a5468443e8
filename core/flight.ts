/**
 * Flights: the requests that are under way in this process. One timer watches
 * them all, so that a request costs two assignments and not two timers.
 *
 * @module
 */

/** A request under way. */
export interface Flight {
  /** The origin has `seconds` from now to say something. */
  await(seconds: number): void;
  /** It is not the origin's turn: a slow client is no silent origin. */
  rest(): void;
  /** The flight is over. */
  land(): void;
  /** Whether it was ended for silence. */
  readonly silent: boolean;
}

/** All flights of a process. */
export interface Flights {
  /** Takes off; `abort` is called at most once, when the origin is silent for too long. */
  begin(abort: () => void): Flight;
  /** How many are under way. */
  readonly size: number;
}

/** How often the flights are looked at, milliseconds: the precision of a timeout. */
const LOOK_EVERY = 500;

/** An empty set of flights; `now` is milliseconds, as `Date.now`. */
export function createFlights(now: () => number): Flights {
  interface Live extends Flight {
    deadline: number;
    silent: boolean;
    abort: () => void;
  }
  const live = new Set<Live>();
  let timer: ReturnType<typeof setInterval> | undefined;

  function look() {
    const time = now();
    for (const flight of live) {
      if (flight.deadline > time) continue;
      flight.silent = true;
      live.delete(flight);
      flight.abort();
    }
    stopIfEmpty();
  }

  function stopIfEmpty() {
    if (live.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    begin(abort) {
      const flight: Live = {
        deadline: Infinity,
        silent: false,
        abort,
        await: (seconds) => void (flight.deadline = now() + seconds * 1000),
        rest: () => void (flight.deadline = Infinity),
        land() {
          live.delete(flight);
          stopIfEmpty();
        },
      };
      live.add(flight);
      timer ??= setInterval(look, LOOK_EVERY);
      return flight;
    },
    get size() {
      return live.size;
    },
  };
}
