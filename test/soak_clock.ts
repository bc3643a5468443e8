/**
 * A clock that can be put forward and back while a doppel runs: `Date.now()`
 * is off by the milliseconds that the file of `SOAK_CLOCK` says. To be imported
 * before the program.
 */

import { readFileSync } from "node:fs";
import process from "node:process";

/** Milliseconds for which the file is believed. */
const BELIEVED = 50;

const file = process.env.SOAK_CLOCK;
const real = Date.now;
let offset = 0;
let until = 0;

if (file !== undefined) {
  Date.now = () => {
    const time = performance.now();
    if (time >= until) {
      until = time + BELIEVED;
      offset = Number(readFileSync(file, "utf8"));
    }
    return real() + offset;
  };
}
