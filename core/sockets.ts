/**
 * The sockets that a process has open, so that it can close them when it stops.
 *
 * @module
 */

/** Closes a socket and says why. */
export type Stop = (reason: string) => void;

/** All sockets of a process. */
export interface Sockets {
  /** One more, to be closed at once where all are. */
  add(stop: Stop): void;
  /** Both its ends are gone. */
  delete(stop: Stop): void;
  /** Closes all there are and all to come, with 1001. */
  stop(reason: string): void;
  /** How many there are, those included that wait for the answer to a close. */
  readonly size: number;
}

/** No sockets yet. */
export function createSockets(): Sockets {
  const live = new Set<Stop>();
  let stopped: string | undefined;
  return {
    add(stop) {
      live.add(stop);
      if (stopped !== undefined) stop(stopped);
    },
    delete: (stop) => void live.delete(stop),
    stop(reason) {
      stopped = reason;
      for (const stop of live) stop(reason);
    },
    get size() {
      return live.size;
    },
  };
}
