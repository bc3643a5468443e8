/** Chance that comes out the same for the same seed. */

export interface Random {
  /** A whole number from 0 up to but not including this. */
  below(end: number): number;
  pick<Value>(values: readonly Value[]): Value;
  /** True once in so many times. */
  once(times: number): boolean;
  /** A list of up to `most`. */
  some<Value>(most: number, one: () => Value): Value[];
}

/** xorshift32 behind a few rounds that spread what small seeds have in common. */
export function random(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let i = 0; i < 8; i++) next();
  const below = (end: number) => next() % end;
  return {
    below,
    pick: (values) => values[below(values.length)]!,
    once: (times) => below(times) === 0,
    some: (most, one) => Array.from({ length: below(most + 1) }, one),
  };
}
