/** The command line, against a doppel on a socket of this process. */

import { spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Gateway, gateway, SECRET } from "./gateway.ts";

const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const bun = "Bun" in globalThis;

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs a command; `fed` is what comes through the pipe. */
export interface Doppel {
  (...args: string[]): Promise<Ran>;
  fed(input: string, ...args: string[]): Promise<Ran>;
  /** The command line, for who starts it in another way. */
  readonly line: readonly string[];
  readonly env: Record<string, string>;
}

/** Runs `body` with a `doppel` command that reaches an empty doppel. */
export async function withDoppel(
  body: (doppel: Doppel, behind: Gateway) => Promise<void>,
  env: Record<string, string> = {},
) {
  const behind = gateway({ now: Date.now });
  const { app, close } = behind;
  const server = createServer(async (request, response) => {
    const answer = await app.fetch(await asRequest(request));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(await answer.text());
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const settings = {
    DOPPEL_URL: `http://127.0.0.1:${port}`,
    ADMIN_SECRET: SECRET,
    ...env,
  };
  const words = [...(bun ? ["run"] : ["run", "-A"]), cli];
  const fed = (input: string, ...args: string[]) =>
    run(process.execPath, [...words, ...args], settings, input);
  const doppel = Object.assign((...args: string[]) => fed("", ...args), {
    fed,
    line: [process.execPath, ...words],
    env: settings,
  });
  try {
    await body(doppel, behind);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    close();
  }
}

async function asRequest(message: IncomingMessage): Promise<Request> {
  let body = "";
  for await (const chunk of message) body += chunk;
  return new Request(`http://${message.headers.host}${message.url}`, {
    method: message.method!,
    headers: message.headers as Record<string, string>,
    ...(body && { body }),
  });
}

export async function run(
  command: string,
  args: string[],
  env: Record<string, string>,
  input = "",
): Promise<Ran> {
  const child = spawn(command, args, {
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      NO_COLOR: "1",
      ...env,
    },
  });
  child.stdin.on("error", () => {}); // it may be gone before it has read
  child.stdin.end(input);
  const ran = { out: "", error: "" };
  child.stdout.on("data", (chunk) => ran.out += chunk);
  child.stderr.on("data", (chunk) => ran.error += chunk);
  const code = await new Promise<number | null>((resolve) =>
    child.on("close", resolve)
  );
  return { code, ...ran };
}
