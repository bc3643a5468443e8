/**
 * Secrets from whoever runs the command: out of a file, through a pipe, or
 * typed without an echo. Never out of the arguments, which every user of the
 * machine can read.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

/** The secret, without the end of its line; `noun` says what is asked for. */
export async function askSecret(
  noun: string,
  file: string | undefined,
): Promise<string> {
  const text = file !== undefined && file !== "-"
    ? readFileSync(file, "utf8")
    : process.stdin.isTTY
    ? await typed(`${noun}: `)
    : await piped();
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new Error(`no ${noun} was given.`);
  return secret;
}

async function piped(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}

const ENTER = ["\r", "\n", "\x04"];
const ERASE = ["\b", "\x7f"];

/** Reads keys one by one, as the terminal then does not show them. */
function typed(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  // Last: what is typed before is echoed.
  stderr.write(question);
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (settle: () => void) => {
      stdin.off("data", hear);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
      settle();
    };
    const hear = (keys: string) => {
      for (const key of keys) {
        if (ENTER.includes(key)) return finish(() => resolve(text));
        if (key === "\x03") return finish(() => reject(new Error("stopped.")));
        text = ERASE.includes(key) ? text.slice(0, -1) : text + key;
      }
    };
    stdin.on("data", hear);
  });
}
