/**
 * `deno task start`: `deno serve` listens on all interfaces and reads no port
 * from the program, so address and port are passed on its command line.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SETTINGS } from "./core/environment.ts";

const host = process.env.HOST || SETTINGS.HOST.default;
const port = process.env.PORT || SETTINGS.PORT.default;
// `deno serve` knows no TLS; then main.ts listens by itself.
const { TLS_CERT, TLS_KEY } = process.env;
const command = TLS_CERT && TLS_KEY
  ? ["run", "-q", "-A"]
  : ["serve", "-q", "-A", `--host=${host}`, `--port=${port}`];
const main = fileURLToPath(new URL("main.ts", import.meta.url));
const child = spawn(process.execPath, [...command, main], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Not child.kill(): Deno then reports the child gone while it still drains.
  process.on(signal, () => process.kill(child.pid!, signal));
}
child.on("exit", (code) => process.exit(code ?? 1));
