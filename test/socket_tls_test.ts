/** A doppel that serves TLS by itself, because some clients dial nothing but `wss:`. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { WebSocket, WebSocketServer } from "ws";
import { makeCertificate } from "./certificate.ts";
import { type Peer, startSocketOrigin } from "./socket_origin.ts";
import { freePort, healthy, RUNTIMES, startDoppel, until } from "./subject.ts";

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: with TLS_CERT and TLS_KEY it serves https and wss, and nothing in the clear`, async () => {
    const certificate = makeCertificate();
    const { env, ca } = certificate;
    const origin = await startSocketOrigin(WebSocketServer);
    // The admin's client believes no such certificate: tokens come from another process on the same file.
    const plain = await startDoppel({ runtime, origin: origin.url });
    const doppel = await startDoppel({
      runtime,
      origin: origin.url,
      env: { ...env, DOPPEL_DATA: plain.data },
    });
    const headers = { authorization: `Bearer ${await plain.mint()}` };
    assert.match(doppel.output(), /base URL +https:/);
    const status = await new Promise((resolve, reject) => {
      get(
        `${doppel.url}/v1/models/m`,
        { ca, headers, agent: false },
        (answer) => {
          answer.resume();
          answer.on("end", () => resolve(answer.statusCode));
        },
      ).on("error", reject);
    });
    assert.equal(status, 200);
    assert.equal(await healthy(doppel.url.replace("https:", "http:")), false);
    const url = `${doppel.url.replace("https:", "wss:")}/v1/responses`;
    const peer: Peer = new WebSocket(url, [], { ca, headers });
    const heard: string[] = [];
    peer.on("open", () => peer.send("through TLS"));
    peer.on("message", (data) => heard.push(`${data}`));
    await until(() => heard[0] === "through TLS");
    let ended: unknown;
    peer.on("close", (code) => ended = code);
    assert.equal(await doppel.stop(), 0);
    assert.equal(await until(() => ended), 1001);
    await plain.stop();
    await origin.stop();
    certificate.remove();
  });

  Deno.test(`${runtime}: a certificate without a key, or one that cannot be read, stops the start`, async () => {
    const wrong = [
      [{ TLS_CERT: "cert.pem" }, "TLS_KEY is missing."],
      [{ TLS_KEY: "key.pem" }, "TLS_CERT is missing."],
      [
        { TLS_CERT: "none.pem", TLS_KEY: "none.pem" },
        "TLS_CERT or TLS_KEY cannot be read.",
      ],
    ] as const;
    for (const [env, said] of wrong) {
      await assert.rejects(
        startDoppel({ runtime, env }),
        ({ message }: Error) =>
          message.includes(`doppel cannot start: ${said}`),
      );
    }
  });
}

Deno.test("deno task start serves TLS where it is asked for, and stops", async () => {
  const certificate = makeCertificate();
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), "doppel-start-"));
  const child = spawn(process.execPath, ["task", "-q", "start"], {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    detached: true,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      PORT: `${port}`,
      DOPPEL_DATA: data,
      ...(process.env.DENO_DIR && { DENO_DIR: process.env.DENO_DIR }),
      ...certificate.env,
    },
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  const url = `https://127.0.0.1:${port}`;
  while (!await healthy(url));
  process.kill(-child.pid!, "SIGTERM");
  await exited;
  while (await healthy(url));
  rmSync(data, { recursive: true });
  certificate.remove();
});
