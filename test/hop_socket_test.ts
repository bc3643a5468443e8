/** Sockets through a hop: in a region that is refused, they open like any other. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import process from "node:process";
import { WebSocket, WebSocketServer } from "ws";
import { echo, type Origin, startSocketOrigin } from "./socket_origin.ts";
import { REFUSED } from "./hop.ts";
import { RUNTIMES, startDoppel, until } from "./subject.ts";

const HOP_KEY = "sk-canary-hop-socket-7fe0";
const SECRET = "hop-secret-of-the-socket-tests-0123456789";

function answerBytes({ status, body }: { status: number; body: string }) {
  return `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
}

/** Who is not the hop is in a refused region. */
function refuse(origin: Origin, refusal: { status: number; body: string }) {
  Object.defineProperty(origin, "answer", {
    get: () =>
      origin.asked.at(-1)!.headers.authorization === `Bearer ${HOP_KEY}`
        ? echo
        : answerBytes(refusal),
  });
}

for (const runtime of RUNTIMES) {
  Deno.test(`sockets go through a hop, on ${runtime}`, async (t) => {
    const origin = await startSocketOrigin(WebSocketServer);
    const hop = await startDoppel({
      runtime,
      origin: origin.url,
      env: { OPENAI_API_KEY: HOP_KEY, EGRESS_HOP_SECRET: SECRET },
    });
    const primary = await startDoppel({
      runtime,
      origin: origin.url,
      env: {
        EGRESS_HOP_URL: hop.url,
        EGRESS_HOP_SECRET: SECRET,
        EGRESS_HOP_SECONDS: "1",
      },
    });
    const token = await primary.mint();
    const url = primary.url.replace("http", "ws") + "/v1/realtime?model=x";
    const dial = (path = url) =>
      new Promise<InstanceType<typeof WebSocket>>((resolve, reject) => {
        const peer = new WebSocket(path, ["realtime"], {
          headers: { authorization: `Bearer ${token}` },
        });
        peer.on("open", () => resolve(peer));
        peer.on(
          "unexpected-response",
          async (_: unknown, answer: IncomingMessage) => {
            let body = "";
            for await (const chunk of answer) body += chunk;
            reject(new Error(`${answer.statusCode} ${body}`));
          },
        );
        peer.on("error", reject);
      });
    try {
      await t.step("another refusal passes as it came", async () => {
        const other = { status: 403, body: '{"error":{"code":"other"}}' };
        refuse(origin, other);
        await assert.rejects(dial(), new RegExp(`403 ${other.body}`));
        assert.equal(origin.asked.length, 1);
      });
      await t.step("a refused region does not stop a socket", async () => {
        Reflect.deleteProperty(origin, "answer");
        origin.asked.length = 0;
        refuse(origin, REFUSED.openai);
        const peer = await dial();
        assert.equal(peer.protocol, "realtime");
        const sent = createHash("sha256");
        const heard = createHash("sha256");
        let count = 0;
        peer.on("message", (data: Uint8Array) => {
          heard.update(data);
          count++;
        });
        for (let i = 0; i < 500; i++) {
          const message = new Uint8Array(8192).fill(i);
          sent.update(message);
          peer.send(message);
        }
        await until(() => count === 500, 20_000);
        assert.equal(heard.digest("hex"), sent.digest("hex"));
        peer.close(4001, "enough");
        const side = origin.taken.at(-1)!;
        assert.deepEqual(await side.closed(), [4001, "enough"]);
        assert.equal(origin.asked.length, 2);
        const line = await until(() =>
          primary.lines().find((line) => line.status === 101)
        );
        assert.equal(line.hop, true);
      });
      await t.step("then they go there at once", async () => {
        origin.asked.length = 0;
        (await dial()).close();
        assert.equal(origin.asked.length, 1);
        const fields = JSON.stringify(origin.asked[0]!.headers);
        assert.doesNotMatch(fields, /doppel-|signature|dpl_/);
      });
      await t.step("a stranger opens none at the entrance", async () => {
        const entrance = hop.url.replace("http", "ws") +
          "/hop/openai/v1/realtime?model=x";
        await assert.rejects(dial(entrance), /401/);
      });
      await t.step("without the hop it is the SDK's own error", async () => {
        await until(() => hop.lines().some(({ status }) => status === 101));
        process.kill(hop.pid, "SIGKILL");
        await assert.rejects(dial(), /502 .*hop_unreachable/);
      });
    } finally {
      await primary.stop();
      hop.child.kill("SIGKILL");
      await origin.stop();
    }
  });
}
