/** Fields of ours over real connections, on both runtimes: of answers, of sockets, and none of them at the origin. */

import assert from "node:assert/strict";
import * as http from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { RUNTIMES, startDoppel } from "./subject.ts";

const FORGED = {
  "x-doppel-ratelimit-remaining-requests": "999",
  "x-doppel-ratelimit-limit-concurrency": "999",
};
const ASKING = { "x-doppel-timing": "1", "x-doppel-anything": "else" };
const SHARE =
  /^db;dur=53, doppel;dur=[\d.]+, doppel-store;dur=[\d.]+, doppel-origin;dur=[\d.]+$/;

/** An origin that says it is doppel, and notes what it hears. */
async function startForger() {
  const heard: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    heard.push(request.headers);
    request.resume();
    response.writeHead(200, {
      ...FORGED,
      "content-type": "text/event-stream",
      "server-timing": "db;dur=53",
      "x-ratelimit-remaining-requests": "4711",
    });
    response.end("data: [DONE]\n\n");
  });
  const taker = new WebSocketServer({ server });
  taker.on("headers", (lines: string[], request: http.IncomingMessage) => {
    heard.push(request.headers);
    for (const [name, value] of Object.entries(FORGED)) {
      lines.push(`${name}: ${value}`);
    }
  });
  taker.on("connection", (peer: WebSocket) => peer.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    async stop() {
      for (const peer of taker.clients) peer.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Our limits' fields, by what stands behind their common beginning. */
function told(fields: Iterable<readonly [string, unknown]>) {
  const prefix = "x-doppel-ratelimit-";
  return Object.fromEntries(
    [...fields].filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: answers and sockets tell what is left and where time went, and no origin can`, async () => {
    const origin = await startForger();
    const doppel = await startDoppel({ runtime, origin: origin.url });
    try {
      const limited = await doppel.mint({ limits: { requests: 9 } });
      const free = await doppel.mint();
      const ask = async (token: string, more: Record<string, string> = {}) => {
        const answer = await fetch(`${doppel.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, ...more },
          body: '{"model":"m","stream":true}',
        });
        assert.equal(await answer.text(), "data: [DONE]\n\n");
        return answer.headers;
      };
      const first = await ask(limited, ASKING);
      const { "reset-requests": reset, ...left } = told(first);
      assert.deepEqual(left, {
        "limit-requests": "9",
        "remaining-requests": "8",
      });
      assert.ok(Number(reset) > 55 && Number(reset) <= 65, `${reset}`);
      assert.equal(first.get("x-ratelimit-remaining-requests"), "4711");
      assert.match(first.get("server-timing")!, SHARE);
      const plain = await ask(free);
      assert.deepEqual(told(plain), {});
      assert.equal(plain.get("server-timing"), "db;dur=53");

      const open = async (token: string) => {
        const url = `${doppel.url.replace(/^http/, "ws")}/v1/realtime?model=m`;
        const headers = { authorization: `Bearer ${token}`, ...ASKING };
        const peer = new WebSocket(url, [], { headers });
        const answer = await new Promise<http.IncomingMessage>(
          (resolve, reject) => {
            peer.once("upgrade", resolve);
            peer.once("error", reject);
          },
        );
        peer.terminate();
        return told(Object.entries(answer.headers));
      };
      assert.equal((await open(limited))["remaining-requests"], "7");
      assert.deepEqual(await open(free), {});

      assert.equal(origin.heard.length, 4);
      const ours = origin.heard.flatMap((fields) =>
        Object.keys(fields).filter((name) => name.includes("doppel"))
      );
      assert.deepEqual(ours, []);
    } finally {
      await doppel.stop();
      await origin.stop();
    }
  });
}
