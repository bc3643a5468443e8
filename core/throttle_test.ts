import assert from "node:assert/strict";
import {
  createThrottle,
  MOST_ADDRESSES,
  MOST_WRONG,
  WITHIN,
} from "./throttle.ts";

/** A throttle whose clock is turned by hand, and an address that was wrong so often. */
function open() {
  let time = 1_800_000_000_000;
  const throttle = createThrottle(() => time);
  return {
    ...throttle,
    wrongs(address: string | undefined, times = MOST_WRONG) {
      for (let i = 0; i < times; i++) throttle.wrong(address);
    },
    tick: (milliseconds: number) => void (time += milliseconds),
  };
}

Deno.test("createThrottle() lets an address be wrong so often within a minute, and then wait", () => {
  const { wait, wrong, tick } = open();
  for (let i = 0; i < MOST_WRONG; i++) {
    assert.equal(wait("203.0.113.7"), 0);
    wrong("203.0.113.7");
    tick(1000);
  }
  assert.equal(wait("203.0.113.7"), WITHIN / 1000 - MOST_WRONG);
  tick(WITHIN - MOST_WRONG * 1000 - 1);
  assert.equal(wait("203.0.113.7"), 1);
  tick(1);
  assert.equal(wait("203.0.113.7"), 0);
  wrong("203.0.113.7"); // the second of the five is still within
  assert.equal(wait("203.0.113.7"), 1);
});

Deno.test("createThrottle() never stops one that is wrong more slowly", () => {
  const { wait, wrong, tick } = open();
  for (let i = 0; i < 50; i++) {
    assert.equal(wait("203.0.113.7"), 0);
    wrong("203.0.113.7");
    tick(WITHIN / MOST_WRONG);
  }
});

const CALLERS: {
  name: string;
  guesses: string | undefined;
  asks: string | undefined;
  waits: boolean;
}[] = [
  {
    name: "another address",
    guesses: "203.0.113.7",
    asks: "203.0.113.8",
    waits: false,
  },
  { name: "no address", guesses: undefined, asks: undefined, waits: true },
  {
    name: "no address, after one",
    guesses: "203.0.113.7",
    asks: undefined,
    waits: false,
  },
  {
    name: "the same /64",
    guesses: "2001:db8::1",
    asks: "2001:0DB8:0:0:ffff::2",
    waits: true,
  },
  {
    name: "the same /64, written out",
    guesses: "2001:db8:1:2:3:4:5:6",
    asks: "2001:db8:1:2::",
    waits: true,
  },
  {
    name: "another /64",
    guesses: "2001:db8:0:1::1",
    asks: "2001:db8::1",
    waits: false,
  },
  { name: "itself, as IPv6", guesses: "::1", asks: "::1", waits: true },
  {
    name: "another IPv4 in IPv6",
    guesses: "::ffff:203.0.113.7",
    asks: "::ffff:203.0.113.8",
    waits: false,
  },
];

for (const { name, guesses, asks, waits } of CALLERS) {
  Deno.test(`createThrottle() ${waits ? "stops" : "does not stop"} ${name}`, () => {
    const { wait, wrongs } = open();
    wrongs(guesses);
    assert.equal(wait(asks) > 0, waits);
  });
}

Deno.test("createThrottle() remembers so many addresses, and forgets the oldest", () => {
  const { wait, wrongs, wrong } = open();
  const nth = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  wrongs("first");
  wrongs("second");
  for (let i = 0; i < MOST_ADDRESSES - 2; i++) wrong(nth(i));
  assert.ok(wait("first") > 0);
  wrong("first"); // and so it is no longer the oldest
  wrong("one more");
  assert.ok(wait("first") > 0);
  assert.equal(wait("second"), 0);
});
