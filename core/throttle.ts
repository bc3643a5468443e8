/**
 * Slows down whoever guesses: so many wrong tries an address, and then no more
 * for a while, the right one included.
 *
 * @module
 */

/** Wrong tries by address, in this process. */
export interface Throttle {
  /** Whole seconds until the address may try again; 0: at once. */
  wait(address: string | undefined): number;
  /** It was wrong. */
  wrong(address: string | undefined): void;
}

/** Wrong tries of an address within {@linkcode WITHIN}. */
export const MOST_WRONG = 5;
/** Milliseconds. */
export const WITHIN = 60_000;
/** Addresses that are remembered; of more, those are forgotten whose last wrong try is oldest. */
export const MOST_ADDRESSES = 10_000;

/** Nobody has tried yet; `now` is milliseconds. */
export function createThrottle(now: () => number): Throttle {
  /** Times of the last wrong tries, oldest first, by who made them; who was wrong last is last. */
  const wrongs = new Map<string, readonly number[]>();
  return {
    wait(address) {
      const [first = 0, ...more] = wrongs.get(callerOf(address)) ?? [];
      if (more.length + 1 < MOST_WRONG) return 0;
      return Math.max(0, Math.ceil((first + WITHIN - now()) / 1000));
    },
    wrong(address) {
      const caller = callerOf(address);
      const times = [...wrongs.get(caller) ?? [], now()];
      wrongs.delete(caller);
      wrongs.set(caller, times.slice(-MOST_WRONG));
      if (wrongs.size <= MOST_ADDRESSES) return;
      const [oldest = ""] = wrongs.keys();
      wrongs.delete(oldest);
    },
  };
}

/** Who tries: of IPv6 the /64, all of which one host may use; those whose address is not known are one. */
function callerOf(address = ""): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter(Boolean);
  const rest = tail?.split(":").filter(Boolean) ?? [];
  const zeros = Array(Math.max(0, 8 - groups.length - rest.length)).fill("0");
  const whole = tail === undefined ? groups : [...groups, ...zeros, ...rest];
  return whole.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":").toLowerCase();
}
