/** An API behind a doppel whose page is looked at: chats, streams that wait, models, and errors with markup in them. */

import { createServer, type ServerResponse } from "node:http";

/** What must be shown as it is, wherever somebody may write. */
export const XSS = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "<svg/onload=alert(1)>",
  "javascript:alert(1)",
  "'-alert(1)-'",
  "</textarea><iframe srcdoc='<script>parent.alert(1)</script>'>",
  "{{constructor.constructor('alert(1)')()}}",
  "&lt;b&gt;&#60;script&#62;",
  "<style>*{display:none}</style>",
  "<a href=javascript:alert(1)>x</a>",
  "\u202etxt.exe\u0000",
] as const;

export interface PageOrigin {
  readonly url: string;
  /** Ends the streams that wait. */
  release(): void;
  close(): Promise<void>;
}

export async function startPageOrigin(): Promise<PageOrigin> {
  const streams = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(value));
    if (request.url?.startsWith("/v1/models")) {
      const data = ["gpt-4o-mini", ...XSS].map((id) => ({ id }));
      return void json(200, { object: "list", data });
    }
    const { model = "", stream = false } = body ? JSON.parse(body) : {};
    if (model.startsWith("broken")) {
      const message = XSS.join(" ");
      return void json(400, { error: { message, type: XSS[0], code: XSS[1] } });
    }
    const usage = {
      prompt_tokens: 20_000,
      completion_tokens: 10_000,
      total_tokens: 30_000,
    };
    if (!stream) {
      const message = { role: "assistant", content: "Hi." };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      const id = "chatcmpl-1";
      return void json(200, {
        id,
        object: "chat.completion",
        model,
        choices,
        usage,
      });
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = () =>
      response.write(
        `data: ${
          JSON.stringify({
            id: "chatcmpl-2",
            object: "chat.completion.chunk",
            model,
            choices: [{ index: 0, delta: { content: "word " } }],
          })
        }\n\n`,
      );
    write();
    const timer = setInterval(write, 200);
    streams.add(response);
    response.on("close", () => {
      clearInterval(timer);
      streams.delete(response);
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    release() {
      for (const stream of streams) stream.end("data: [DONE]\n\n");
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
