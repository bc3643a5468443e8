/**
 * Flights: the requests that are under way in this process. One timer watches
 * them all, so that a request costs two assignments and not two timers.
 *
 * @module
 */

import { createCrowd } from "./crowd.ts";

/** A request under way. */
export interface Flight {
  /** The origin has `seconds` from now to say something. */
  await(seconds: number): void;
  /** It is not the origin's turn: a slow client is no silent origin. */
  rest(): void;
  /** Who else hears of silence from now on. */
  follow(listener: Listener): void;
  /** The flight is over. */
  land(): void;
  /** Whether it was ended for silence. */
  readonly silent: boolean;
}

/** Hears of an origin's silence. */
export interface Listener {
  /** It has ended the flight. */
  readonly cut: () => void;
  /** It has lasted for another `pingSeconds`. */
  readonly ping?: () => void;
  /** Seconds; no pings if absent. */
  readonly pingSeconds?: number;
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

/** A flight as the set sees it; times in milliseconds. */
interface Live extends Flight {
  /** It was there at the last look. */
  long: boolean;
  deadline: number;
  nextPing: number;
  silent: boolean;
  readonly abort: () => void;
  listener: Listener | undefined;
}

/** An empty set of flights; `now` is milliseconds, as `Date.now`. `clear` is called where a crowd of them has left much behind. */
export function createFlights(
  now: () => number,
  clear: () => void = () => {},
): Flights {
  const live = new Set<Live>();
  const crowd = createCrowd(() => performance.now(), clear);
  let timer: ReturnType<typeof setInterval> | undefined;
  /** Flights whose answer is on its way down. */
  let answered = 0;

  function look() {
    const time = now();
    let long = 0;
    for (const flight of live) {
      if (flight.long) long++;
      flight.long = true;
      if (flight.deadline <= time) remove(flight);
      tell(flight, time);
    }
    crowd.stays(answered, long);
    stopIfEmpty();
  }

  function remove(flight: Live) {
    if (live.delete(flight) && flight.listener) answered--;
  }

  function stopIfEmpty() {
    if (live.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    begin(abort) {
      const flight = takeOff(abort, now, {
        follow(listener) {
          if (!flight.listener && live.has(flight)) crowd.grows(++answered);
          flight.listener = listener;
        },
        land() {
          remove(flight);
          stopIfEmpty();
        },
      });
      live.add(flight);
      timer ??= setInterval(look, LOOK_EVERY);
      return flight;
    },
    get size() {
      return live.size;
    },
  };
}

/** What has been silent for too long ends, what for a while is told. */
function tell(flight: Live, time: number) {
  if (flight.deadline <= time) {
    flight.silent = true;
    flight.abort();
    flight.listener?.cut();
  } else if (flight.nextPing <= time) {
    flight.nextPing = pingAfter(flight, time);
    flight.listener?.ping?.();
  }
}

function takeOff(
  abort: () => void,
  now: () => number,
  its: Pick<Flight, "follow" | "land">,
): Live {
  const flight: Live = {
    long: false,
    deadline: Infinity,
    nextPing: Infinity,
    silent: false,
    abort,
    listener: undefined,
    await(seconds) {
      const time = now();
      flight.deadline = time + seconds * 1000;
      flight.nextPing = pingAfter(flight, time);
    },
    rest() {
      flight.deadline = Infinity;
      flight.nextPing = Infinity;
    },
    ...its,
  };
  return flight;
}

function pingAfter({ listener }: Live, time: number): number {
  return time + (listener?.pingSeconds ?? Infinity) * 1000;
}
