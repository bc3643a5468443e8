/** Streams, one after another: how long to the first event, and to the last. */

import * as http from "node:http";
import { freePort } from "../test/subject.ts";

/** Streams timed in a round. */
const STREAMS = 300;
const WARM = 50;
const DELTAS = 64;

const delta = (content: string) =>
  `data: ${
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      model: "gpt-4o-mini",
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    })
  }\n\n`;

/** An origin that answers with a role, 64 deltas a millisecond apart in eights, and the end. */
export async function startStreams() {
  const server = http.createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(delta(""));
    for (let i = 0; i < DELTAS; i += 8) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      response.write(delta("word ").repeat(8));
    }
    response.end("data: [DONE]\n\n");
  });
  const port = await freePort();
  await new Promise<void>((resolve) =>
    server.listen(port, "127.0.0.1", resolve)
  );
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Medians and such of a subject's streams, milliseconds. */
export interface Streamed {
  readonly first50: number;
  readonly first99: number;
  readonly whole50: number;
}

/** In turn, stream by stream, so that whatever else this machine does happens to all of them. */
export async function firstEvents(
  subjects: readonly { readonly url: string; readonly token: string }[],
): Promise<Streamed[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const timed = subjects.map(() => [] as { first: number; whole: number }[]);
  for (let i = 0; i < WARM + STREAMS; i++) {
    for (const [j, subject] of subjects.entries()) {
      const times = await once(subject, agent);
      // What a stream leaves to be done when it is over is no part of the next one.
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (i >= WARM) timed[j]!.push(times);
    }
  }
  agent.destroy();
  const at = (list: number[], part: number) =>
    list.toSorted((a, b) => a - b)[Math.floor(list.length * part)]!;
  return timed.map((list) => {
    const firsts = list.map(({ first }) => first);
    return {
      first50: at(firsts, 0.5),
      first99: at(firsts, 0.99),
      whole50: at(list.map(({ whole }) => whole), 0.5),
    };
  });
}

function once(
  { url, token }: { readonly url: string; readonly token: string },
  agent: http.Agent,
) {
  return new Promise<{ first: number; whole: number }>((resolve, reject) => {
    const begun = performance.now();
    const request = http.request(`${url}/v1/chat/completions`, {
      method: "POST",
      agent,
      headers: {
        "authorization": `Bearer ${token}`,
        "content-type": "application/json",
      },
    }, (answer) => {
      let first: number | undefined;
      answer.on("data", () => first ??= performance.now() - begun);
      answer.on("error", reject);
      answer.on("end", () => {
        if (answer.statusCode !== 200) {
          reject(new Error(`${answer.statusCode}`));
        } else resolve({ first: first!, whole: performance.now() - begun });
      });
    });
    request.on("error", reject);
    request.end('{"model":"gpt-4o-mini","stream":true,"messages":[]}');
  });
}
