/**
 * The floor: the least that swaps a key and streams both ways with the
 * runtime's own `fetch`, as anybody would write it at first. It counts nothing,
 * checks nothing and keeps nothing.
 */

import process from "node:process";

const ORIGIN = process.env.ORIGIN!;
const KEY = process.env.KEY!;
const DROPPED = [
  ...["host", "connection", "keep-alive", "proxy-authorization", "te"],
  ...["proxy-connection", "trailer", "transfer-encoding", "upgrade"],
  "accept-encoding",
];

export default {
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  development: false,
  async fetch(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    for (const name of DROPPED) headers.delete(name);
    headers.set("authorization", `Bearer ${KEY}`);
    headers.set("accept-encoding", "identity");
    const options = {
      method: request.method,
      headers,
      body: request.body,
      signal: request.signal,
      redirect: "manual",
      duplex: "half",
      // Bun's; Deno heeds the field above.
      decompress: false,
    } as const;
    const answer = await fetch(ORIGIN + pathname + search, options);
    return new Response(answer.body, {
      status: answer.status,
      headers: answer.headers,
    });
  },
};
