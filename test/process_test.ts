/** doppel as a process: how it starts, what it prints, which store it takes, how it stops. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { keepSecret, keepText } from "./evidence.ts";
import { dial, message, readAnswer } from "./raw.ts";
import { startOrigin as startRaw } from "./raw_origin.ts";
import { redisInstalled, startUpstash } from "./redis.ts";
import {
  freePort,
  RUNTIMES,
  startDoppel,
  type Subject,
  until,
} from "./subject.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** An origin that answers everything with the length it got, and counts. */
async function startOrigin() {
  let requests = 0;
  const server = createServer(async (request, response) => {
    requests++;
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.end(JSON.stringify({ length }));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function models(
  url: string,
  token: string,
): Promise<[number, string | undefined]> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/v1/models/m`, { headers });
  const { error } = await response.json();
  return [response.status, error?.code];
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: the first start makes directory and secret, says where, and prints no secret`, async () => {
    const doppel = await startDoppel({
      runtime,
      env: {
        ADMIN_SECRET: "",
        GEMINI_API_KEY: "",
        OPENAI_API_KEY: "sk-first-0001,sk-second-0002",
      },
    });
    keepSecret("sk-first-0001");
    const file = join(doppel.data, "admin_secret");
    const secret = readFileSync(file, "utf8").trim();
    keepSecret(secret);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const seal = join(doppel.data, "seal_secret");
    keepSecret(readFileSync(seal, "utf8").trim());
    assert.equal(statSync(seal).mode & 0o777, 0o600);
    assert.equal(statSync(doppel.data).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(doppel.data).sort(), [
      "admin_secret",
      "doppel.sqlite",
      "doppel.sqlite-shm",
      "doppel.sqlite-wal",
      "seal_secret",
    ]);
    assert.equal(
      statSync(join(doppel.data, "doppel.sqlite")).mode & 0o777,
      0o600,
    );
    assert.ok(secret.length >= 32);
    const output = doppel.output();
    assert.ok(output.includes(file));
    assert.match(output, /keys +anthropic \(1\), openai \(2\)/);
    assert.match(output, /without a key +gemini \(set GEMINI_API_KEY\)/);
    assert.match(
      output,
      /deno task doppel token create --label me --providers anthropic/,
    );
    assert.ok(!output.includes(secret));
    await doppel.mint();
    assert.equal(await doppel.stop(), 0);
  });

  Deno.test(`${runtime}: a key that is kept is there after a restart, while its secret is`, async () => {
    const data = mkdtempSync(join(tmpdir(), "doppel-seal-"));
    const key = `sk-canary-kept-on-${runtime}-0123456789`;
    keepSecret(key);
    const path = "/admin/credentials/openai-main";
    const during = async (
      env: Record<string, string>,
      work: (doppel: Subject) => Promise<unknown>,
    ) => {
      const doppel = await startDoppel({
        runtime,
        env: { DOPPEL_DATA: data, ...env },
      });
      const done = await work(doppel);
      await doppel.stop();
      for (const name of readdirSync(data)) {
        if (!name.startsWith("doppel.sqlite")) continue;
        keepText("sqlite file", readFileSync(join(data, name), "latin1"));
      }
      return done;
    };
    const status = async ({ admin }: Subject) =>
      (await admin("GET", path) as { status: string }).status;
    await during(
      {},
      ({ admin }) => admin("PUT", path, { provider: "openai", key }),
    );
    assert.equal(await during({}, status), "active");
    const own = readFileSync(join(data, "seal_secret"), "utf8").trim();
    const present = { SEAL_SECRET: "another-seal-secret-0123456789abcdef" };
    keepSecret(own);
    keepSecret(present.SEAL_SECRET);
    assert.equal(await during(present, status), "unreadable");
    const both = { ...present, SEAL_SECRET_PREVIOUS: own };
    const rotate = ({ admin }: Subject) =>
      admin("POST", "/admin/credentials/rotate");
    assert.deepEqual(await during(both, rotate), {
      resealed: 1,
      current: 0,
      unreadable: [],
    });
    assert.equal(await during(present, status), "active");
    rmSync(data, { recursive: true });
  });

  Deno.test(`${runtime}: a setting that cannot be understood stops the start in one line`, async () => {
    const failed = startDoppel({ runtime, env: { PORT: "http" } });
    await assert.rejects(failed, (error: Error) => {
      const said = error.message.split("\n").slice(1).filter(Boolean);
      assert.deepEqual(said, [
        "doppel cannot start: PORT must be a whole number from 1 to 65535.",
      ]);
      return true;
    });
  });

  Deno.test(`${runtime}: a second process on the same file sees a revocation at once`, async () => {
    const origin = await startOrigin();
    const one = await startDoppel({ runtime, origin: origin.url });
    const other = await startDoppel({
      runtime,
      origin: origin.url,
      env: { DOPPEL_DATA: one.data },
    });
    const token = await one.mint({ label: "shared" });
    assert.deepEqual(await models(other.url, token), [200, undefined]);
    const { tokens } = await one.admin("GET", "/admin/tokens") as {
      tokens: { id: string }[];
    };
    await one.admin("PATCH", `/admin/tokens/${tokens[0]!.id}`, {
      status: "disabled",
    });
    assert.deepEqual(await models(other.url, token), [401, "invalid_api_key"]);
    assert.equal(origin.requests(), 1);
    await Promise.all([one.stop(), other.stop(), origin.close()]);
  });

  Deno.test(`${runtime}: what was used until it stopped is kept, answers under way included`, async () => {
    const counts = {
      model: "gpt-4o",
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    };
    const reached: ServerResponse[] = [];
    const origin = createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      if (reached.push(response) === 1) response.write(" ");
      else response.end(JSON.stringify(counts));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => origin.once("listening", resolve));
    const { port } = origin.address() as { port: number };
    const data = mkdtempSync(join(tmpdir(), "doppel-kept-"));
    const env = { DOPPEL_DATA: data };
    const one = await startDoppel({
      runtime,
      origin: `http://127.0.0.1:${port}`,
      env,
    });
    const headers = { authorization: `Bearer ${await one.mint()}` };
    const chat = () =>
      fetch(`${one.url}/v1/chat/completions`, {
        method: "POST",
        headers,
        body: "{}",
      });
    const slow = await chat();
    for (let i = 0; i < 20; i++) await (await chat()).text();
    const stopped = one.stop();
    let open = true;
    while (open) {
      open = await fetch(`${one.url}/healthz`).then((answer) => answer.text())
        .then(() => true, () => false);
    }
    reached[0]!.end(JSON.stringify(counts));
    assert.match(await slow.text(), /gpt-4o/);
    assert.equal(await stopped, 0);
    const next = await startDoppel({ runtime, env });
    const { usage } = await next.admin("GET", "/admin/usage?by=model") as {
      usage: unknown[];
    };
    assert.deepEqual(usage, [{
      model: "gpt-4o",
      requests: 21,
      errors: {},
      used: { input: 63, output: 84 },
      cost: 21 * 48, // (3 × 2.50 + 4 × 10.00) micro-dollars, rounded up
      costGuessed: 0,
      guessed: 0,
      unpriced: 0,
    }]);
    await next.stop();
    rmSync(data, { recursive: true });
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  });

  if (redisInstalled()) {
    Deno.test(`${runtime}: with Upstash, one round trip admits, revocation reaches all, and a store that is away refuses`, async () => {
      const [origin, upstash] = await Promise.all([
        startOrigin(),
        startUpstash(),
      ]);
      keepSecret(upstash.token);
      const env = {
        UPSTASH_REDIS_REST_URL: upstash.url,
        UPSTASH_REDIS_REST_TOKEN: upstash.token,
      };
      const one = await startDoppel({ runtime, origin: origin.url, env });
      const other = await startDoppel({
        runtime,
        origin: origin.url,
        env: { ...env, ADMIN_SECRET: "another-instance-of-the-same-doppel-0" },
      });
      const token = await one.mint();
      await models(one.url, token); // loads the scripts and stamps
      while (
        !(await upstash.command("KEYS", "doppel:used:*") as string[]).length
      );
      await upstash.reset();
      assert.deepEqual(await models(one.url, token), [200, undefined]);
      assert.deepEqual(await upstash.counts(), { commands: 3, trips: 1 });
      assert.deepEqual(await models(other.url, token), [200, undefined]);
      upstash.freeze(true);
      assert.deepEqual(await models(one.url, token), [
        503,
        "store_unavailable",
      ]);
      const readyz = await fetch(`${one.url}/readyz`);
      assert.deepEqual([readyz.status, await readyz.json()], [503, {
        ok: false,
      }]);
      upstash.freeze(false);
      assert.deepEqual(await models(one.url, token), [200, undefined]);
      const { tokens } = await one.admin("GET", "/admin/tokens") as {
        tokens: { id: string }[];
      };
      await one.admin("DELETE", `/admin/tokens/${tokens[0]!.id}`);
      assert.deepEqual(await models(other.url, token), [
        401,
        "invalid_api_key",
      ]);
      await Promise.all([one.stop(), other.stop(), origin.close()]);
      await upstash.close();
    });
  }
}

// Bun's server speaks no HTTP/2 in the clear.
Deno.test("deno: content that HTTP/2 frames without a length arrives whole", async () => {
  const origin = await startOrigin();
  const doppel = await startDoppel({ runtime: "deno", origin: origin.url });
  const token = await doppel.mint();
  const session = connect(doppel.url);
  for (const content of ["", "x".repeat(100), "x".repeat(100_000)]) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/v1/x",
      authorization: `Bearer ${token}`,
    });
    stream.end(content);
    let text = "";
    for await (const chunk of stream) text += chunk;
    assert.deepEqual(JSON.parse(text), { length: content.length });
  }
  session.close();
  await Promise.all([doppel.stop(), origin.close()]);
});

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: whose content comes after a SIGTERM is served, or told to try again`, async () => {
    const origin = await startRaw();
    origin.play(async ({ content, wire }) => {
      await content(() => {});
      await wire.write(message("HTTP/1.1 200 OK", ["content-length: 0"]));
    });
    const doppel = await startDoppel({ runtime, origin: origin.url });
    const token = await doppel.mint({ endpoints: ["files"] });
    const client = await dial(doppel.url);
    const fields = ["host: x", `authorization: Bearer ${token}`];
    const length = "content-length: 10";
    const head = message("POST /v1/files HTTP/1.1", [...fields, length]);
    await client.write(head, "01234");
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(doppel.pid, "SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.write("56789");
    const answer = await readAnswer(client);
    // Deno takes the content away as soon as it is asked to stop.
    assert.equal(answer?.status, runtime === "bun" ? 200 : 503);
    await client.close();
    await doppel.stop().catch(() => {});
    await origin.stop();
  });
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: an answer that is read on for its bill is waited for at a SIGTERM`, async () => {
    const origin = await startRaw();
    let go = () => {};
    const asked = new Promise<void>((resolve) => {
      origin.play(async ({ wire }) => {
        const told = new Promise<void>((next) => go = next);
        const fields = ["content-type: application/json", "content-length: 2"];
        await wire.write(message("HTTP/1.1 200 OK", fields));
        resolve();
        await told;
        await wire.write("{}");
      });
    });
    const doppel = await startDoppel({ runtime, origin: origin.url });
    const token = await doppel.mint({ abort: "drain" });
    const client = await dial(doppel.url);
    const fields = ["host: x", `authorization: Bearer ${token}`];
    const head = message("POST /v1/chat/completions HTTP/1.1", [
      ...fields,
      "content-length: 2",
    ]);
    await client.write(head, "{}");
    await asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = doppel.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    go();
    assert.equal(await stopped, 0);
    const endings = doppel.lines().map(({ ending }) => ending);
    assert.deepEqual(endings, ["drained"]);
    await origin.stop();
  });
}

Deno.test("deno task start listens where PORT and HOST say, and drains on SIGTERM", async () => {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), "doppel-start-"));
  const child = spawn(process.execPath, ["task", "-q", "start"], {
    cwd: root,
    detached: true,
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      NO_COLOR: "1",
      PORT: `${port}`,
      DOPPEL_DATA: data,
      ...(process.env.DENO_DIR && { DENO_DIR: process.env.DENO_DIR }),
    },
  });
  let output = "";
  child.stderr!.on("data", (chunk) => output += chunk);
  const exited = new Promise((resolve) => child.on("exit", resolve));
  let ready = false;
  while (!ready) {
    ready = await fetch(`http://127.0.0.1:${port}/readyz`).then((r) => r.text())
      .then(() => true, () => false);
  }
  assert.match(output, new RegExp(`base URL +http://127.0.0.1:${port}\n`));
  // To the whole group, as a terminal or a service manager does: `deno task` tells its children nothing.
  process.kill(-child.pid!, "SIGTERM");
  await exited;
  while (ready) {
    ready = await fetch(`http://127.0.0.1:${port}/healthz`).then((r) =>
      r.text()
    ).then(() => true, () => false);
  }
  rmSync(data, { recursive: true });
});

Deno.test("deno: with OTEL_DENO=true each request is a span and in two histograms, under OpenTelemetry's names", async () => {
  const received: string[] = [];
  const collector = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (/v1\/(?:traces|metrics)/.test(request.url!)) received.push(text);
    response.end("{}");
  }).listen(0, "127.0.0.1");
  const origin = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({
      model: "gpt-4o",
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }));
  }).listen(0, "127.0.0.1");
  for (const server of [collector, origin]) {
    if (!server.listening) {
      await new Promise((resolve) => server.once("listening", resolve));
    }
  }
  const urlOf = (server: Server) =>
    `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const doppel = await startDoppel({
    runtime: "deno",
    origin: urlOf(origin),
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(collector),
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_BSP_SCHEDULE_DELAY: "200",
    },
  });
  const token = await doppel.mint();
  const headers = { authorization: `Bearer ${token}` };
  const chat = { method: "POST", headers, body: "{}" };
  await (await fetch(`${doppel.url}/v1/chat/completions`, chat)).text();
  await until(() =>
    ["chat gpt-4o", "gen_ai.usage.output_tokens", "gen_ai.client.token.usage"]
      .every((name) => received.some((text) => text.includes(`"${name}"`)))
  );
  assert.ok(!received.join().includes(token));
  await doppel.stop();
  for (const server of [collector, origin]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
