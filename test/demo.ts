/**
 * `deno task demo`: one call through doppel, seen from both ends.
 *
 * Starts doppel on its embedded default in front of a stand-in for the API,
 * mints a token, streams an answer as an SDK would, shows what left the client
 * beside what reached the API, revokes the token and shows the refusal. Needs
 * no account and no network. `--bun` runs doppel under Bun, `--bundle` runs
 * `dist/doppel.js`; exits 1 where anything is not as it should be.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { startDoppel, type Subject } from "./subject.ts";

const KEY = `sk-the-owners-real-key-${randomBytes(4).toString("hex")}`;
const wide = process.stdout.columns ?? 100;

const origin = await startOrigin();
const doppel = await startDoppel({
  runtime: process.argv.includes("--bun") ? "bun" : "deno",
  origin: origin.url,
  env: { OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: "", GEMINI_API_KEY: "" },
  ...(process.argv.includes("--bundle") && { entry: "dist/doppel.js" }),
});
try {
  await play(doppel);
} finally {
  await doppel.stop();
  origin.server.close();
}
process.exit(0);

async function play({ url, admin, runtime }: Subject) {
  say(`1. doppel runs on ${runtime} at ${url}, tokens in SQLite.`);
  const { id, token } = await admin("POST", "/admin/tokens", {
    label: "demo",
    providers: ["openai"],
  }) as { id: string; token: string };
  say(`2. The owner mints a token: ${token}`);

  say("3. The holder makes a streaming call with it, as an SDK would:");
  const sent = request(url, token);
  const answer = await exchange(url, sent);
  const reached = origin.received();
  console.log(beside("the client sent", sent, "the API received", reached));
  say("   and the answer comes down as it was sent:");
  console.log(indent(answer));
  assert.match(reached, new RegExp(`authorization: Bearer ${KEY}`, "i"));
  assert.ok(!reached.includes(token), "the token reached the API");
  assert.match(answer, /^HTTP\/1.1 200 [\s\S]*data: \[DONE\]/);
  assert.ok(!answer.includes(KEY), "the key reached the client");

  await admin("DELETE", `/admin/tokens/${id}`);
  say("4. The owner takes the token back. The same call again:");
  const refused = await exchange(url, sent);
  console.log(indent(refused));
  assert.match(refused, /^HTTP\/1.1 401 /);
  assert.equal(origin.received(), "", "a refused request reached the API");
  say("The key never left doppel, and the token is dead.");
}

function say(line: string) {
  console.log(`\n${line}\n`);
}

function request(url: string, token: string): string {
  const body = JSON.stringify({
    model: "gpt-x",
    stream: true,
    messages: [{ role: "user", content: "Who are you?" }],
  });
  return [
    "POST /v1/chat/completions HTTP/1.1",
    `host: ${new URL(url).host}`,
    `authorization: Bearer ${token}`,
    "user-agent: OpenAI/JS 7.55.0",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

/** Raw bytes out, raw bytes in. */
async function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => socket.write(text));
  let received = "";
  for await (const chunk of socket) received += chunk;
  return received;
}

/** A stand-in that streams three words and keeps what reached it. */
async function startOrigin() {
  let last = "";
  const server: Server = createServer((socket) => {
    let received = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk;
      const [head = "", body = ""] = received.split("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (!received.includes("\r\n\r\n") || body.length < Number(length)) {
        return;
      }
      last = received;
      received = "";
      stream(socket);
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    server,
    url: `http://127.0.0.1:${port}`,
    /** What reached the stand-in since it was asked last. */
    received() {
      const text = last;
      last = "";
      return text;
    },
  };
}

function stream(socket: Socket) {
  const events = ["I", " am", " you."].map((content) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
  );
  socket.write(
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
  );
  let at = 0;
  const timer = setInterval(() => {
    if (at < events.length) return socket.write(events[at++]!);
    clearInterval(timer);
    socket.end("data: [DONE]\n\n");
  }, 50);
}

/** Two texts side by side; one below the other where the window is narrow. */
function beside(nameA: string, a: string, nameB: string, b: string): string {
  const width = Math.max(40, Math.floor((wide - 3) / 2));
  const left = [nameA, "-".repeat(nameA.length), ...fold(a, width)];
  const right = [nameB, "-".repeat(nameB.length), ...fold(b, width)];
  const rows = Math.max(left.length, right.length);
  return Array.from(
    { length: rows },
    (_, i) => `${(left[i] ?? "").padEnd(width)} | ${right[i] ?? ""}`.trimEnd(),
  ).join("\n");
}

function fold(text: string, width: number): string[] {
  return text.split("\r\n").flatMap((line) =>
    line.match(new RegExp(`.{1,${width}}`, "g")) ?? [""]
  );
}

function indent(text: string): string {
  return text.trimEnd().split(/\r?\n/).map((line) => `   ${line}`).join("\n");
}
