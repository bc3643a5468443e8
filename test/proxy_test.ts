/**
 * What the proxies of the environment do to doppel, on both runtimes alike:
 * requests go by them, chosen by the origin's scheme, unless `NO_PROXY` names
 * its host; sockets never do.
 */

import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { connect, type Socket } from "node:net";
import { onScene } from "./socket.ts";
import { freePort, RUNTIMES, startDoppel } from "./subject.ts";

/** A forward proxy (RFC 9110 §7.7) that says what it was asked for. */
async function startProxy() {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { hostname, port, pathname, search } = new URL(request.url!);
    const { method, headers } = request;
    const onward = ask(
      { hostname, port, path: pathname + search, method, headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on("connect", (request, near: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host, port] = request.url!.split(":");
    const far = connect(Number(port), host!, () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      near.pipe(far);
      far.pipe(near);
    });
    sockets.add(far);
    far.on("error", () => near.destroy());
    near.on("error", () => far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Row {
  readonly name: string;
  readonly env: (proxy: string) => Record<string, string>;
  /** The proxy is asked for the request; the origin's URL stands for `{origin}`. */
  readonly asked: readonly string[];
}

const VIA = ["GET {origin}/v1/models/m"];

const rows: readonly Row[] = [
  { name: "HTTP_PROXY", env: (url) => ({ HTTP_PROXY: url }), asked: VIA },
  { name: "http_proxy", env: (url) => ({ http_proxy: url }), asked: VIA },
  { name: "ALL_PROXY", env: (url) => ({ ALL_PROXY: url }), asked: VIA },
  {
    name: "HTTP_PROXY, with the host in NO_PROXY",
    env: (url) => ({ HTTP_PROXY: url, NO_PROXY: "a.test,127.0.0.1" }),
    asked: [],
  },
  {
    name: "HTTP_PROXY, with another host in NO_PROXY",
    env: (url) => ({ HTTP_PROXY: url, NO_PROXY: "a.test" }),
    asked: VIA,
  },
  {
    name: "HTTPS_PROXY, for an origin of http",
    env: (url) => ({ HTTPS_PROXY: url }),
    asked: [],
  },
];

for (const runtime of RUNTIMES) {
  for (const { name, env, asked } of rows) {
    Deno.test(`${runtime}: ${name}: a request goes ${asked.length > 0 ? "by the proxy" : "straight"}, a socket straight`, async () => {
      const proxy = await startProxy();
      const options = { runtime, env: env(proxy.url) };
      await onScene(options, async ({ dial, origin, doppel, token }) => {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await fetch(`${doppel.url}/v1/models/m`, { headers });
        assert.equal(await answer.text(), "{}");
        assert.deepEqual(
          proxy.asked,
          asked.map((line) => line.replace("{origin}", origin.url)),
        );
        proxy.asked.length = 0;
        await dial("/v1/realtime?model=x");
        assert.equal(origin.taken.length, 1);
        assert.deepEqual(proxy.asked, []);
      }).finally(proxy.stop);
    });
  }

  Deno.test(`${runtime}: HTTPS_PROXY: a request to an origin of https goes through the proxy's tunnel`, async () => {
    const proxy = await startProxy();
    const nobody = `127.0.0.1:${await freePort()}`;
    const doppel = await startDoppel({
      runtime,
      origin: `https://${nobody}`,
      env: { HTTPS_PROXY: proxy.url },
    });
    try {
      const headers = { authorization: `Bearer ${await doppel.mint()}` };
      const answer = await fetch(`${doppel.url}/v1/models/m`, { headers });
      assert.equal(answer.status, 502);
      await answer.body?.cancel();
      assert.ok(proxy.asked.length > 0);
      for (const line of proxy.asked) {
        assert.equal(line, `CONNECT ${nobody}`);
      }
    } finally {
      await doppel.stop();
      await proxy.stop();
    }
  });
}
