/** doppel as it is, with a clock that can be put forward and back. */

import "./soak_clock.ts";

export { default } from "../main.ts";
