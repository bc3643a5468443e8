/**
 * What the simulation has found and is not mended yet. Whoever mends one takes
 * its line away here and its exception where that is asked for, and the law is
 * whole again.
 */
export const OPEN = {
  /** i7-sim-1: a request that was admitted before its token's minute was counted gives back a place it never took. */
  "a minute that begins to be counted": true,
  /** i7-sim-2: a token is taken back between a key's refusal and the next key, and what was sent counts as never made. */
  "taken back between two keys": true,
  /** i7-sim-3: a reading of the setup that began before a cooldown was stored makes a doppel forget it. */
  "a reading that comes late": true,
};
