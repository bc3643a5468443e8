/**
 * A real Redis with a front that speaks Upstash's REST protocol
 * (`research/upstash.md` §2), for the tests of the Upstash store.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { Buffer } from "node:buffer";
import { freePort, until } from "./subject.ts";
import { keepText } from "./evidence.ts";

export interface UpstashFixture {
  readonly url: string;
  readonly token: string;
  /** For a doppel that is to use it. */
  readonly env: Record<string, string>;
  /** Commands and HTTP calls since `reset()`; commands inside scripts count, as Upstash bills them. */
  counts(): Promise<{ commands: number; trips: number }>;
  reset(): Promise<void>;
  /** Runs one command straight on Redis. */
  command(...args: string[]): Promise<unknown>;
  /** Stops Redis in its tracks, and lets it go on. */
  freeze(frozen: boolean): void;
  /** Kills Redis; what it was asked and has not answered is lost. */
  kill(): Promise<void>;
  /** Starts it again, with what it has kept. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** Whether Debian's `redis-server` is here; `CI` makes its absence a failure. */
export function redisInstalled(): boolean {
  const there = spawnSync("redis-server", ["--version"]).status === 0;
  if (!there && process.env.CI) {
    throw new Error("redis-server is not installed");
  }
  return there;
}

/** One that keeps what it is told in `directory`, if there is one. */
export async function startUpstash(
  directory?: string,
): Promise<UpstashFixture> {
  const port = await freePort();
  let redis = launch(port, directory);
  let connection = await connected(port);
  const token = randomBytes(16).toString("hex");
  let trips = 0;
  const server = createServer(async (request, response) => {
    trips++;
    const served = await serve(request, connection, token).catch(() => {});
    // Whoever asked was killed while asking.
    if (served === undefined) return void response.destroy();
    const { status, body } = served;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port: front } = server.address() as { port: number };
  const url = `http://127.0.0.1:${front}`;
  return {
    url,
    token,
    env: { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token },
    async counts() {
      const seen = trips;
      const stats = `${await connection.send(["INFO", "commandstats"])}`;
      let commands = 0;
      for (
        const [, name, calls] of stats.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)
      ) {
        if (!/^(?:info|config)/.test(name!)) commands += Number(calls);
      }
      return { commands, trips: seen };
    },
    async reset() {
      trips = 0;
      await connection.send(["CONFIG", "RESETSTAT"]);
    },
    command: (...args) => connection.send(args),
    freeze: (frozen) =>
      void process.kill(redis.pid!, frozen ? "SIGSTOP" : "SIGCONT"),
    async kill() {
      const gone = new Promise((resolve) => redis.on("exit", resolve));
      process.kill(redis.pid!, "SIGKILL");
      await gone;
    },
    async revive() {
      redis = launch(port, directory);
      connection = await connected(port);
    },
    close: () => stop(redis, server, connection),
  };
}

function launch(port: number, directory?: string): ChildProcess {
  const kept = directory === undefined
    ? ["--appendonly", "no"]
    : ["--appendonly", "yes", "--dir", directory];
  return spawn("redis-server", [
    ...["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""],
    ...kept,
  ], { stdio: "ignore" });
}

async function stop(
  redis: ChildProcess,
  server: Server,
  connection: Connection,
) {
  keepText("redis dump", JSON.stringify(await dump(connection)));
  connection.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const gone = new Promise((resolve) => redis.on("exit", resolve));
  process.kill(redis.pid!, "SIGTERM");
  await gone;
}

/** Every key with what it holds. */
async function dump({ send }: Connection): Promise<unknown[]> {
  const reads: Record<string, (key: string) => string[]> = {
    hash: (key) => ["HGETALL", key],
    list: (key) => ["LRANGE", key, "0", "-1"],
    zset: (key) => ["ZRANGE", key, "0", "-1"],
    stream: (key) => ["XRANGE", key, "-", "+"],
    set: (key) => ["SMEMBERS", key],
    string: (key) => ["GET", key],
    // It has lapsed meanwhile.
    none: (key) => ["EXISTS", key],
  };
  const keys = await send(["KEYS", "*"]) as string[];
  return await Promise.all(keys.map(async (key) => {
    const type = `${await send(["TYPE", key])}`;
    return [key, await send(reads[type]!(key))];
  }));
}

async function serve(
  request: IncomingMessage,
  { send, sendAll }: Connection,
  token: string,
): Promise<{ status: number; body: unknown }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.headers.authorization !== `Bearer ${token}`) {
    return {
      status: 401,
      body: { error: "WRONGPASS invalid or missing auth token" },
    };
  }
  const encoded = request.headers["upstash-encoding"] === "base64";
  const commands = JSON.parse(Buffer.concat(chunks).toString());
  if (request.url === "/pipeline") {
    const answers = await sendAll(commands);
    return {
      status: 200,
      body: answers.map((answer) => wrap(answer, encoded)),
    };
  }
  const body = wrap(await send(commands), encoded);
  return { status: "error" in body ? 400 : 200, body };
}

function wrap(answer: unknown, encoded: boolean) {
  return answer instanceof Error
    ? { error: answer.message }
    : { result: encoded ? base64(answer) : answer };
}

/** Every string but the status OK. */
function base64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(base64);
  return typeof value === "string" && value !== "OK"
    ? Buffer.from(value).toString("base64")
    : value;
}

interface Connection {
  send(command: readonly unknown[]): Promise<unknown>;
  sendAll(commands: readonly (readonly unknown[])[]): Promise<unknown[]>;
  close(): void;
}

/** One socket that speaks RESP2; answers come in the order of the questions. */
async function connected(port: number): Promise<Connection> {
  const socket = await dial(port);
  const waiting: {
    resolve(value: unknown): void;
    reject(why: Error): void;
  }[] = [];
  const gone = new Error("Redis is gone");
  socket.on("error", () => {});
  socket.on("close", () => {
    for (const { reject } of waiting.splice(0)) reject(gone);
  });
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (let one = parse(received, 0); one; one = parse(received, 0)) {
      received = received.subarray(one.end);
      waiting.shift()?.resolve(one.value);
    }
  });
  const sendAll = (commands: readonly (readonly unknown[])[]) => {
    if (socket.destroyed) return Promise.reject(gone);
    const answers = commands.map(() =>
      new Promise<unknown>((resolve, reject) =>
        waiting.push({ resolve, reject })
      )
    );
    socket.write(Buffer.concat(commands.map(encode)));
    return Promise.all(answers);
  };
  return {
    sendAll,
    send: async (command) => (await sendAll([command]))[0],
    close: () => void socket.destroy(),
  };
}

async function dial(port: number): Promise<Socket> {
  let open: Socket | undefined;
  for (let i = 0; i < 200 && open === undefined; i++) {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve) => {
      socket.once("connect", () => resolve(void (open = socket)));
      socket.once("error", () => setTimeout(resolve, 25));
    });
  }
  return await until(() => open);
}

function encode(command: readonly unknown[]): Buffer {
  const parts = command.map((part) => Buffer.from(`${part}`));
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [
      Buffer.from(`$${part.length}\r\n`),
      part,
      Buffer.from("\r\n"),
    ]),
  ]);
}

/** One RESP2 value from `at`; `undefined` while it is incomplete. */
function parse(
  buffer: Buffer,
  at: number,
): { value: unknown; end: number } | undefined {
  const line = buffer.indexOf("\r\n", at);
  if (line === -1) return undefined;
  const text = buffer.toString("utf8", at + 1, line);
  const end = line + 2;
  switch (buffer.toString("latin1", at, at + 1)) {
    case "+":
      return { value: text, end };
    case "-":
      return { value: new Error(text), end };
    case ":":
      return { value: Number(text), end };
    case "$":
      return parseBulk(buffer, end, Number(text));
    default:
      return parseArray(buffer, end, Number(text));
  }
}

function parseBulk(buffer: Buffer, start: number, length: number) {
  if (length === -1) return { value: null, end: start };
  if (buffer.length < start + length + 2) return undefined;
  const value = buffer.toString("utf8", start, start + length);
  return { value, end: start + length + 2 };
}

function parseArray(buffer: Buffer, start: number, length: number) {
  if (length === -1) return { value: null, end: start };
  const value: unknown[] = [];
  let end = start;
  while (value.length < length) {
    const item = parse(buffer, end);
    if (item === undefined) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
