/** Which endpoints a token may call, and whose objects it may reach. */

import assert from "node:assert/strict";
import { type Gateway, law } from "./test/gateway.ts";

const json = (body: unknown, status = 200) => Response.json(body, { status });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** `METHOD /path` by class; those of the first six are every token's. */
const CALLS: Record<string, readonly string[]> = {
  inference: [
    "POST /openai/v1/chat/completions",
    "POST /openai/v1/responses",
    "POST /openai/v1/responses/compact",
    "POST /openai/v1/moderations",
    "POST /anthropic/v1/messages",
    "POST /anthropic/v1/messages/",
    "POST /anthropic/v1/messages/count_tokens",
    "POST /v1beta/models/m:generateContent",
    "POST /v1beta/models/m:streamGenerateContent?alt=sse",
    "POST /v1beta/openai/chat/completions",
    "POST /v1/models/m:countTokens",
  ],
  embeddings: [
    "POST /openai/v1/embeddings",
    "POST /v1beta/models/m:batchEmbedContents",
    "POST /v1beta/openai/embeddings",
  ],
  images: ["POST /openai/v1/images/edits", "POST /v1beta/models/m:predict"],
  audio: ["POST /openai/v1/audio/speech"],
  models: [
    "GET /openai/v1/models",
    "HEAD /openai/v1/models/org%2Fmodel",
    "GET /anthropic/v1/models/m",
    "GET /v1beta/models",
    "GET /v1beta/openai/models/m",
  ],
  realtime: [
    "POST /openai/v1/realtime/client_secrets",
    "POST /openai/v1/realtime/calls",
    "POST /v1alpha/auth_tokens",
  ],
  files: [
    "GET /openai/v1/files",
    "POST /openai/v1/uploads/u/parts",
    "DELETE /anthropic/v1/files/f",
    "POST /upload/v1beta/files",
    "GET /v1beta/files/f:download",
    "GET /download/v1beta/files/f:download",
    "GET /v1beta/openai/files",
    "POST /v1beta/files/f%3AgenerateContent",
  ],
  batches: [
    "POST /openai/v1/batches",
    "POST /anthropic/v1/messages/batches",
    "GET /anthropic/v1/messages/batches/b/results",
    "POST /v1beta/models/m:batchGenerateContent",
    "GET /v1beta/batches/b",
  ],
  stored: [
    "GET /openai/v1/responses/r",
    "POST /openai/v1/responses/r/cancel",
    "GET /openai/v1/chat/completions",
    "POST /openai/v1/vector_stores",
    "POST /openai/v1/threads/runs",
    "POST /v1beta/cachedContents",
    "GET /v1beta/interactions/i",
    "POST /upload/v1beta/fileSearchStores/s:uploadToFileSearchStore",
  ],
  videos: [
    "POST /openai/v1/videos",
    "POST /v1beta/models/m:predictLongRunning",
    "GET /v1beta/models/m/operations/o",
  ],
  "fine-tuning": [
    "POST /openai/v1/fine_tuning/jobs",
    "DELETE /openai/v1/models/ft:gpt:org::1",
    "PATCH /v1beta/tunedModels/t",
  ],
  agents: ["POST /anthropic/v1/skills", "GET /openai/v1/agents"],
  admin: [
    "GET /openai/v1/organization/users",
    "GET /v1//%6frganization/admin_api_keys",
    "POST /v1beta/webhooks",
  ],
  secrets: ["POST /openai/v1/chatkit/sessions", "POST /anthropic/api/x"],
  other: [
    "GET /openai/v1/x",
    "DELETE /openai/v1/models",
    "POST /openai/v1/embeddings/x",
    "GET /v1beta/somethingNew",
    "GET /anthropic/v1/chat/completions",
  ],
};
const USUAL = Object.keys(CALLS).slice(0, 6);

async function call(
  { send }: Gateway,
  line: string,
  headers: Record<string, string>,
  body?: string,
) {
  const [method = "", path = ""] = line.split(" ");
  return await send(path, { method, headers, ...(body && { body }) });
}

law(
  "a token calls the classes it names, and without any the usual ones",
  async (gateway) => {
    const { token: usual } = await gateway.mint({ endpoints: undefined });
    for (const [endpoint, lines] of Object.entries(CALLS)) {
      const { token: own } = await gateway.mint({ endpoints: [endpoint] });
      const others = Object.keys(CALLS).filter((name) => name !== endpoint);
      const { token: rest } = await gateway.mint({ endpoints: others });
      for (const line of lines) {
        const status = async (token: string) =>
          (await call(gateway, line, bearer(token))).status;
        assert.equal(await status(own), 200, `${endpoint}: ${line}`);
        assert.equal(await status(rest), 403, `others: ${line}`);
        const usually = USUAL.includes(endpoint) ? 200 : 403;
        assert.equal(await status(usual), usually, `usual: ${line}`);
      }
    }
    const { token: all } = await gateway.mint({ endpoints: ["all"] });
    for (const line of Object.values(CALLS).flat()) {
      assert.equal((await call(gateway, line, bearer(all))).status, 200, line);
    }
  },
);

law("a refused endpoint is named by its class", async (gateway) => {
  const { token } = await gateway.mint({ endpoints: ["inference"] });
  const answer = await call(gateway, "GET /v1/files", bearer(token));
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /not valid for \\"files\\" endpoints/);
});

/** An object's whole life at an origin: how it is made, and every way to reach it. */
interface Kind {
  readonly kind: string;
  readonly make: string;
  readonly answer: (name: string) => unknown;
  readonly names: readonly [string, string];
  /** `{name}` stands for the object; after `|`, content. */
  readonly reach: readonly string[];
  readonly list?: string;
  readonly items?: string;
}

const id = (start: string) =>
  [
    `${start}AAAAAAAAAAAAAAAAAAAAAA1`,
    `${start}bbbbbbbbbbbbbbbbbbbbbb2`,
  ] as const;

const KINDS: readonly Kind[] = [
  {
    kind: "OpenAI's files",
    make: "POST /v1/files",
    answer: (name) => ({ id: name, object: "file" }),
    names: id("file-"),
    reach: [
      "GET /v1/files/{name}",
      "GET /v1/files/{name}/content",
      "GET /openai/v1//files/%66{rest}",
      "DELETE /v1/files/{name}",
      'POST /v1/batches|{"input_file_id":"{name}"}',
      'POST /v1/chat/completions|{"messages":[{"content":[{"file":{"file_id":"{name}"}}]}]}',
      'POST /v1/chat/completions|{"f":"own","f":"\\u0066{rest}"}',
      'POST /v1/vector_stores|{"file_ids":["{name}"]}',
    ],
    list: "GET /v1/files",
    items: "data",
  },
  {
    kind: "batches",
    make: "POST /v1/batches",
    answer: (name) => ({ id: name }),
    names: id("batch_"),
    reach: ["GET /v1/batches/{name}", "POST /v1/batches/{name}/cancel"],
    list: "GET /v1/batches?limit=2",
    items: "data",
  },
  {
    kind: "responses",
    make: "POST /v1/responses",
    answer: (name) => ({ id: name }),
    names: id("resp_"),
    reach: [
      "GET /v1/responses/{name}",
      "DELETE /v1/responses/{name}",
      "GET /v1/responses/{name}/input_items",
      'POST /v1/responses|{"previous_response_id" : "{name}"}',
    ],
  },
  {
    kind: "stored chats",
    make: "POST /v1/chat/completions",
    answer: (name) => ({ id: name }),
    names: id("chatcmpl-"),
    reach: ["GET /v1/chat/completions/{name}/messages"],
    list: "GET /v1/chat/completions",
    items: "data",
  },
  {
    kind: "vector stores",
    make: "POST /v1/vector_stores",
    answer: (name) => ({ id: name }),
    names: id("vs_"),
    reach: [
      'POST /v1/vector_stores/{name}/search|{"query":"x"}',
      'POST /v1/responses|{"tools":[{"vector_store_ids":["{name}"]}]}',
    ],
    list: "GET /v1/vector_stores",
    items: "data",
  },
  {
    kind: "uploads",
    make: "POST /v1/uploads",
    answer: (name) => ({ id: name }),
    names: id("upload_"),
    reach: [
      "POST /v1/uploads/{name}/parts",
      "POST /v1/uploads/{name}/complete",
    ],
  },
  {
    kind: "conversations",
    make: "POST /v1/conversations",
    answer: (name) => ({ id: name }),
    names: id("conv_"),
    reach: [
      "GET /v1/conversations/{name}/items",
      'POST /v1/responses|{"conversation":"{name}"}',
    ],
  },
  {
    kind: "videos",
    make: "POST /v1/videos",
    answer: (name) => ({ id: name }),
    names: id("video_"),
    reach: ["GET /v1/videos/{name}/content", "DELETE /v1/videos/{name}"],
    list: "GET /v1/videos",
    items: "data",
  },
  {
    kind: "fine-tuning jobs",
    make: "POST /v1/fine_tuning/jobs",
    answer: (name) => ({ id: name }),
    names: id("ftjob-"),
    reach: ["GET /v1/fine_tuning/jobs/{name}/events"],
    list: "GET /v1/fine_tuning/jobs",
    items: "data",
  },
  {
    kind: "fine-tuned models",
    make: "POST /v1/fine_tuning/jobs",
    answer: (name) => ({ id: "ftjob-x", fine_tuned_model: name }),
    names: ["ft:gpt:org:a:1", "ft:gpt:org:b:2"],
    reach: [
      "DELETE /v1/models/{name}",
      "GET /v1/models/{name}",
      'POST /v1/chat/completions|{"model":"{name}"}',
    ],
  },
  {
    kind: "Anthropic's files",
    make: "POST /anthropic/v1/files",
    answer: (name) => ({ id: name }),
    names: id("file_"),
    reach: [
      "GET /anthropic/v1/files/{name}/content",
      'POST /anthropic/v1/messages|{"source":{"file_id":"{name}"}}',
    ],
    list: "GET /anthropic/v1/files",
    items: "data",
  },
  {
    kind: "Anthropic's batches",
    make: "POST /anthropic/v1/messages/batches",
    answer: (name) => ({ id: name }),
    names: id("msgbatch_"),
    reach: ["GET /anthropic/v1/messages/batches/{name}/results"],
    list: "GET /anthropic/v1/messages/batches",
    items: "data",
  },
  {
    kind: "Gemini's files",
    make: "POST /upload/v1beta/files",
    answer: (name) => ({ file: { name } }),
    names: ["files/abc-1", "files/def-2"],
    reach: [
      "GET /v1beta/{name}",
      "GET /v1beta/Files/{last}",
      "GET /download/v1beta/{name}:download?alt=media",
      "DELETE /v1beta/{name}",
      'POST /v1beta/models/m:generateContent|{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/{name}"}}',
      'POST /v1beta/models/m:generateContent|{"fileUri":"https:\\/\\/x\\/v1beta\\/files\\/{last}"}',
    ],
    list: "GET /v1beta/files",
    items: "files",
  },
  {
    kind: "Gemini's caches",
    make: "POST /v1beta/cachedContents",
    answer: (name) => ({ name }),
    names: ["cachedContents/1a", "cachedContents/2b"],
    reach: [
      "PATCH /v1beta/{name}",
      'POST /v1beta/models/m:generateContent|{"cachedContent":"{name}"}',
    ],
    list: "GET /v1beta/cachedContents",
    items: "cachedContents",
  },
  {
    kind: "Gemini's batches",
    make: "POST /v1beta/models/m:batchGenerateContent",
    answer: (name) => ({ name }),
    names: ["batches/1a", "batches/2b"],
    reach: ["GET /v1beta/{name}", "POST /v1beta/{name}:cancel"],
    list: "GET /v1beta/batches",
    items: "operations",
  },
  {
    kind: "video operations",
    make: "POST /v1beta/models/veo:predictLongRunning",
    answer: (name) => ({ name: `models/veo/${name}` }),
    names: ["operations/1a", "operations/2b"],
    reach: ["GET /v1beta/models/veo/{name}"],
  },
];

for (const kind of KINDS) {
  law(
    `an isolated token makes, reads, lists, uses and ends its own: ${kind.kind}`,
    (gateway) => isolated(gateway, kind),
  );
}

async function isolated(gateway: Gateway, kind: Kind) {
  const wire = /anthropic/.test(kind.make)
    ? { "anthropic-version": "2023-06-01" }
    : {};
  const tokens = [];
  for (const name of kind.names) {
    const { token } = await gateway.mint({ isolated: true });
    gateway.respondWith(() => json(kind.answer(name)));
    const made = await call(
      gateway,
      kind.make,
      { ...wire, ...bearer(token) },
      '{"x":1}',
    );
    assert.deepEqual(await made.json(), kind.answer(name));
    tokens.push(token);
  }
  const answers = async (token: string, line: string, name: string) => {
    const filled = line.replaceAll("{name}", name)
      .replaceAll("{rest}", name.slice(1))
      .replaceAll("{last}", name.split("/").at(-1)!);
    const [request = "", content] = filled.split(/\|(.*)/s);
    gateway.respondWith(() => json({ ok: true }));
    const headers = { ...wire, ...bearer(token) };
    return (await call(gateway, request, headers, content)).status;
  };
  const { token: free } = await gateway.mint();
  for (const line of kind.reach) {
    for (const [i, name] of kind.names.entries()) {
      const reached = gateway.reached.length;
      assert.equal(await answers(tokens[1 - i]!, line, name), 404, line);
      assert.equal(gateway.reached.length, reached, line);
      assert.equal(await answers(tokens[i]!, line, name), 200, line);
      assert.equal(await answers(free, line, name), 200, line);
    }
  }
  if (kind.list === undefined) return;
  const items = kind.names.map((name) => kind.answer(name));
  for (const [i, token] of tokens.entries()) {
    gateway.respondWith(() =>
      new Response(
        `{"n":1.0,"${kind.items}": [ ${
          [...items, kind.answer("unknown")].map((item) => JSON.stringify(item))
            .join(" ,\n")
        } ],"has_more":false}`,
        { headers: { "content-type": "application/json" } },
      )
    );
    const listed = await call(gateway, kind.list, {
      ...wire,
      ...bearer(token),
    });
    assert.equal(
      await listed.text(),
      `{"n":1.0,"${kind.items}": [${
        JSON.stringify(items[i])
      }],"has_more":false}`,
    );
  }
}

law(
  "an isolated token owns the response a stream makes, and nothing a model says",
  async (gateway) => {
    const { token } = await gateway.mint({ isolated: true });
    const [mine, others] = id("resp_");
    const events = [
      `event: response.created\ndata: {"type":"response.created","response":{"id":"${mine}"}}\n\n`,
      `data: {"type":"response.output_text.delta","delta":"${others}"}\n\n`,
      `data: {"response":{"id":"${others}"}}\n\n`,
    ];
    gateway.respondWith(() =>
      new Response(events.join(""), {
        headers: { "content-type": "text/event-stream" },
      })
    );
    const streamed = await call(
      gateway,
      "POST /v1/responses",
      bearer(token),
      '{"stream":true}',
    );
    assert.equal(await streamed.text(), events.join(""));
    await gateway.settled();
    gateway.respondWith(() => json({ ok: true }));
    const status = async (name: string) =>
      (await call(gateway, `GET /v1/responses/${name}`, bearer(token))).status;
    assert.equal(await status(mine), 200);
    assert.equal(await status(others), 404);
  },
);

law(
  "what a holder writes into an object names nothing it owns",
  async (gateway) => {
    const { token } = await gateway.mint({ isolated: true });
    const [mine, others] = id("batch_");
    gateway.respondWith(() =>
      json({ id: mine, metadata: { id: others, output_file_id: others } })
    );
    await call(gateway, "POST /v1/batches", bearer(token), "{}");
    gateway.respondWith(() => json({ ok: true }));
    const path = `GET /v1/batches/${others}`;
    assert.equal((await call(gateway, path, bearer(token))).status, 404);
  },
);

law("a batch's results belong to the batch's token", async (gateway) => {
  const { token } = await gateway.mint({ isolated: true });
  const [batch] = id("batch_");
  const [output] = id("file-");
  gateway.respondWith(() => json({ id: batch, output_file_id: null }));
  await call(gateway, "POST /v1/batches", bearer(token), "{}");
  gateway.respondWith(() => json({ id: batch, output_file_id: output }));
  await call(gateway, `GET /v1/batches/${batch}`, bearer(token));
  gateway.respondWith(() => new Response("{}\n{}"));
  const read = `GET /v1/files/${output}/content`;
  assert.equal((await call(gateway, read, bearer(token))).status, 200);
});

law("an isolated token's refusals", async (gateway) => {
  const { token } = await gateway.mint({ isolated: true, endpoints: ["all"] });
  const [name] = id("file-");
  const form =
    `--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n${name}\r\n--b--\r\n`;
  const multipart = { "content-type": "multipart/form-data; boundary=b" };
  const rows: [string, string | undefined, Record<string, string>, number][] = [
    ["GET /v1/agents", undefined, {}, 403],
    ["GET /v1/unheard_of", undefined, {}, 403],
    ["GET /v1/organization/users", undefined, {}, 403],
    ["POST /v1/uploads", '{"purpose":"batch"}', {}, 403],
    ["POST /v1/uploads", '{"purpose":"assistants"}', {}, 200],
    [
      "POST /v1beta/models/m:batchGenerateContent",
      '{"batch":{"inputConfig":{"fileName":"files/x"}}}',
      {},
      403,
    ],
    ["POST /v1/videos", form, multipart, 404],
    ["POST /v1/files", `{"line":{"file_id":"${name}"}}\n`, multipart, 404],
    ["POST /v1/chat/completions", "x", { "content-encoding": "gzip" }, 400],
    ["POST /v1/chat/completions", '{"text":"see file-1"}', {}, 200],
    ["POST /v1/chat/completions", '{"text":"batch_normalization"}', {}, 200],
  ];
  for (const [line, body, headers, status] of rows) {
    const answer = await call(
      gateway,
      line,
      { ...headers, ...bearer(token) },
      body,
    );
    assert.equal(answer.status, status, `${line} ${body}`);
  }
  const answer = await call(gateway, `GET /v1/files/${name}`, bearer(token));
  const { error } = await answer.json();
  assert.equal(error.type, "invalid_request_error");
});

law(
  "objects are kept as hashes, and lost to nobody when the store is away",
  async (gateway) => {
    const { token } = await gateway.mint({ isolated: true });
    const [name] = id("file-");
    gateway.respondWith(() => json({ id: name }));
    const keepClaims = gateway.store.keepClaims;
    const kept: unknown[] = [];
    gateway.store.keepClaims = (claims) => {
      kept.push(...claims);
      return keepClaims(claims);
    };
    await call(gateway, "POST /v1/files", bearer(token), "{}");
    assert.equal(kept.length, 1);
    assert.doesNotMatch(JSON.stringify(kept), /file-/);
  },
);

law(
  "a list that cannot be cut is not shown",
  async ({ send, mint, respondWith }) => {
    const { token } = await mint({ isolated: true });
    const [name] = id("file-");
    const list = `{"data":[{"id":"${name}"}]}`;
    for (
      const [type, text] of [
        ["application/x-protobuf", name],
        ["text/javascript", `f(${list})`],
        ["text/event-stream", `data: ${list}\n\n`],
        ["application/json", `[${list}]`],
        ["application/json", `${list}${list}`],
      ] as const
    ) {
      respondWith(() =>
        new Response(text, { headers: { "content-type": type } })
      );
      const answer = await send("/v1/files", { headers: bearer(token) });
      assert.equal(answer.status, 502, type);
      assert.doesNotMatch(await answer.text(), /file-/);
    }
    respondWith(() =>
      new Response(`{"data":[{"id":"${name}"}],"data":[{"id":"${name}"}]}`, {
        headers: { "content-type": "application/json" },
      })
    );
    const twice = await send("/v1/files", { headers: bearer(token) });
    assert.equal(await twice.text(), '{"data":[],"data":[]}');
  },
);

law(
  "an isolated token sees every model but those that others have tuned",
  async ({ send, mint, respondWith }) => {
    const { token } = await mint({ isolated: true, providers: ["openai"] });
    const base = '{"id":"gpt-5","object":"model","tags":["a"]}';
    respondWith(() =>
      new Response(`{"data":[${base},{"id":"ft:gpt-5:org:secret:1"}]}`, {
        headers: { "content-type": "application/json" },
      })
    );
    const listed = await send("/v1/models", { headers: bearer(token) });
    assert.equal(await listed.text(), `{"data":[${base}]}`);
    respondWith(() =>
      new Response(base, { headers: { "content-type": "application/json" } })
    );
    const one = await send("/v1/models/gpt-5", { headers: bearer(token) });
    assert.equal(await one.text(), base);
  },
);

law(
  "what a file holds claims nothing, whatever its path looks like",
  async ({ send, mint, respondWith }) => {
    const { token } = await mint({ isolated: true });
    const [container] = id("cntr_");
    const [others] = id("file-");
    respondWith(() => json({ id: container }));
    await send("/v1/containers", {
      method: "POST",
      headers: bearer(token),
      body: "{}",
    });
    respondWith(() => json({ id: others }));
    for (const end of ["content", "content/", "cont%65nt", "Content;x"]) {
      const path = `/v1/containers/${container}/files/cfile_1/${end}`;
      await send(path, { headers: bearer(token) });
      const read = await send(`/v1/files/${others}`, {
        headers: bearer(token),
      });
      assert.equal(read.status, 404, end);
    }
  },
);

law(
  "what an isolated token has computed comes as the origin sends it, of any size",
  async ({ send, mint, respondWith }) => {
    const { token } = await mint({ isolated: true });
    // More than an answer may have that is looked into.
    const large = new Uint8Array(17_000_000);
    const headers = { "content-type": "application/json" };
    respondWith(() => new Response(large, { headers }));
    for (
      const path of [
        "/v1/embeddings",
        "/v1/images/generations",
        "/v1beta/models/m:streamGenerateContent",
        "/v1beta/models/m:generateContent",
      ]
    ) {
      const answer = await send(path, {
        method: "POST",
        headers: bearer(token),
        body: "{}",
      });
      assert.equal(answer.status, 200, path);
      assert.equal((await answer.arrayBuffer()).byteLength, 17_000_000);
    }
  },
);

/** Content that names an object in a way that some origins read and others do not. */
const TRICKS: readonly (readonly [string, string, string | Uint8Array])[] = [
  [
    "protobuf",
    "application/x-protobuf",
    "\n\x30https://generativelanguage.googleapis.com/v1beta/files/abc-1\x12",
  ],
  ["a web form", "application/x-www-form-urlencoded", "f=files%2Fabc-1"],
  ["no type", "", '{"f":"files/abc-1"}'],
  ["single quotes", "application/json", "{'f':'files/abc-1'}"],
  ["names without quotes", "application/json", '{f:"files/abc-1"}'],
  ["a comment", "application/json", '{/*"*/"f":"files/abc-1"}'],
  ["UTF-16", "application/json", utf16('{"f":"files/abc-1"}')],
  ["a byte order mark", "application/json", '\ufeff{"f":"files/abc-1"}'],
  [
    "a charset",
    "application/json; charset=utf-7",
    '{"f":"+AGYAaQBsAGUAcw-/abc-1"}',
  ],
  [
    "a form's charset",
    "multipart/form-data; boundary=b; charset=utf-7",
    '--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n+AGY-iles/abc-1\r\n--b--',
  ],
  [
    "a part's charset",
    "multipart/form-data; boundary=b",
    `--b\r\ncontent-disposition: form-data; name="f"\r\nx: ${
      "a".repeat(2000)
    }\r\ncontent-type: text/plain; charset=utf-7\r\n\r\n+AGY-iles/abc-1\r\n--b--`,
  ],
  [
    "a part's encoding",
    "multipart/form-data; boundary=b",
    '--b\ncontent-disposition: form-data; name="f"\nContent-Transfer-Encoding:\r\n quoted-printable\n\n=66iles/abc-1\n--b--',
  ],
];

function utf16(text: string): Uint8Array {
  return new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer);
}

law(
  "an isolated token's content is read as every origin reads it, or not sent",
  async ({ send, mint, reached, faults }) => {
    const { token } = await mint({ isolated: true });
    const status = async (type: string, body: string | Uint8Array) =>
      (await send("/v1beta/models/m:generateContent", {
        method: "POST",
        headers: { ...bearer(token), "content-type": type },
        body: body as BodyInit,
      })).status;
    for (const [trick, type, body] of TRICKS) {
      assert.equal(await status(type, body), 400, trick);
    }
    const form = "multipart/form-data; boundary=b";
    const part = 'content-disposition: form-data; name="f"';
    const long = "a".repeat(900_000);
    for (
      const [type, body] of [
        [form, `--b\n${part}\n\nfiles/abc-1\n--b--\n`],
        [form, `--b\r\n${part}\r\n\r\nfiles/abc-1`],
        [
          "application/json",
          '{"f":"https://x//v1beta//files/abc-1?alt=media"}',
        ],
        ["application/json", '{"f":"https://x/v1beta/fil%65s/abc-1#x"}'],
        ["application/json", `{"f":"${long}","g":"files/abc-1"}`],
        ["application/json", `{"f":"files/abc-1?${long}"}`],
      ] as const
    ) {
      assert.equal(await status(type, body), 404, body.slice(0, 80));
    }
    assert.equal(reached.length, 0);
    for (
      const [type, body] of [
        ["application/json", '{"path":"files/index.ts","f":"my-files/x y"}'],
        [form, `--b\r\n${part}\r\n\r\n--\r\n indented\r\n--b--\r\n`],
      ] as const
    ) {
      assert.equal(await status(type, body), 200, body);
    }
    assert.deepEqual(faults, []);
  },
);

law(
  "an isolated token names no other's object in a query, nor in what nobody can look into",
  async ({ send, mint }) => {
    const { token } = await mint({ isolated: true });
    const [name] = id("file-");
    const rows: [string, string | undefined, number][] = [
      [`GET /v1/files?after=${name}`, undefined, 200],
      [`GET /v1/responses?x=${name}`, undefined, 404],
      ["GET /v1beta/files?name=files%2Fabc-1", undefined, 404],
      ["POST /v1/uploads", '{"purpose":"\\u0062atch"}', 403],
      [
        "POST /v1/evals",
        '{"data_source_config":{"type":"stored_completions"}}',
        403,
      ],
      [
        "POST /v1/evals/eval_0123456789abcdef/runs",
        '{"data_source":{"source":{"type":"responses"}}}',
        403,
      ],
      ["POST /v1beta/openai/batches", '{"input_file_id":"files/a"}', 403],
      [
        "POST /v1beta/interactions",
        '{"environment":{"environment_id":1}}',
        403,
      ],
      ["POST /v1beta/interactions", '{"environment":"env-1"}', 403],
      ["POST /v1beta/interactions", '{"environment":"remote"}', 200],
      ["POST /v1beta/interactions", '{"previous_interaction_id":"x"}', 403],
      ["POST /v1/realtime/calls/rtc_1/hangup", "{}", 404],
      [
        "POST /v1/responses",
        '{"tools":[{"name":"upload_file_to_google_drive"}]}',
        200,
      ],
    ];
    for (const [line, body, status] of rows) {
      const [method = "", path = ""] = line.split(" ");
      const headers = bearer(token);
      const answer = await send(path, {
        method,
        headers,
        ...(body && { body }),
      });
      assert.equal(answer.status, status, `${line} ${body}`);
    }
  },
);

/** What an answer makes besides itself, and how it is used again: `{name}` in content. */
const BESIDES: readonly (readonly [
  what: string,
  make: string,
  answer: (name: string) => unknown,
  name: string,
  use: string,
])[] = [
  [
    "items of a response",
    "/v1/responses",
    (name) => ({ output: [{ id: name }] }),
    `msg_${"0a".repeat(24)}`,
    '/v1/responses|{"input":[{"type":"item_reference","id":"{name}"}]}',
  ],
  [
    "items that a stream adds",
    "/v1/responses",
    (name) => [{ response: { id: "r" } }, { x: 1 }, { item: { id: name } }],
    `rs_${"0b".repeat(25)}`,
    '/v1/responses|{"input":[{"id":"{name}"}]}',
  ],
  [
    "containers",
    "/v1/responses",
    (name) => ({ output: [{ container_id: name }] }),
    `cntr_${"0c".repeat(24)}`,
    '/v1/responses|{"tools":[{"container":"{name}"}]}',
  ],
  [
    "audio",
    "/v1/chat/completions",
    (name) => ({ choices: [{ message: { audio: { id: name } } }] }),
    "audio_6744555c6b54819b9fcb4a3b1",
    '/v1/chat/completions|{"messages":[{"audio":{"id":"{name}"}}]}',
  ],
  [
    "Anthropic's containers",
    "/anthropic/v1/messages",
    (name) => ({ container: { id: name } }),
    "container_011CPR5CNjB747bTd36fQLFk",
    '/anthropic/v1/messages|{"container":"{name}"}',
  ],
  [
    "Anthropic's containers in a stream",
    "/anthropic/v1/messages",
    (name) => [{ message: {} }, { delta: { container: { id: name } } }],
    "container_011CPR5CNjB747bTd36fQLFm",
    '/anthropic/v1/messages|{"container":{"id":"{name}"}}',
  ],
  [
    "interactions",
    "/v1beta/interactions",
    (name) => ({ id: name }),
    "v1_ChY5YnM3YXZleUNycUNrZFVQMTRmb09B",
    '/v1beta/interactions|{"previous_interaction_id":"{name}"}',
  ],
  [
    "interactions in a stream",
    "/v1beta/interactions",
    (name) => [{ interaction: { id: name } }],
    "v1_ChY5YnM3YXZleUNycUNrZFVQMTRmb09C",
    "/v1beta/interactions/{name}/cancel|{}",
  ],
];

for (const [what, make, answer, name, use] of BESIDES) {
  law(`isolated tokens do not share ${what}`, async (gateway) => {
    const { send, mint, respondWith, settled, faults } = gateway;
    const owner = await mint({ isolated: true });
    const other = await mint({ isolated: true });
    const post = async (target: string, token: string) => {
      const [path = "", body = "{}"] = target.split(/\|(.*)/s);
      const headers = bearer(token);
      return (await send(path, { method: "POST", headers, body })).status;
    };
    const made = answer(name);
    const chunks = Array.isArray(made)
      ? made.flatMap((data) =>
        `: comment\r\nevent: e\r\ndata: ${JSON.stringify(data)}\r\n\r\n`
          .split(/(?<=.{7})/)
      ).concat("data: [DONE]\n\n")
      : [];
    respondWith(() =>
      chunks.length === 0 ? json(made) : new Response(
        ReadableStream.from(chunks).pipeThrough(new TextEncoderStream()),
        { headers: { "content-type": "text/event-stream" } },
      )
    );
    assert.equal(await post(make, owner.token), 200);
    await settled();
    respondWith(() => json({}));
    const target = use.replace("{name}", name);
    assert.equal(await post(target, other.token), 404);
    assert.equal(await post(target, owner.token), 200);
    assert.deepEqual(faults, []);
  });
}

law(
  "no field and no parameter makes another request of one",
  async ({ send, mint, reached }) => {
    const { token } = await mint({ isolated: true });
    for (
      const [query, headers] of [
        ["", { "x-http-method-override": "GET" }],
        ["", { "x-method-override": "DELETE" }],
        ["?$httpMethod=GET", {}],
        ["?a=1&%24http%4Dethod=GET", {}],
        ["?$ct=application/x-protobuf", {}],
      ] as const
    ) {
      const answer = await send(`/v1beta/files${query}`, {
        method: "POST",
        headers: { ...bearer(token), ...headers } as Record<string, string>,
        body: "{}",
      });
      assert.equal(answer.status, 400, query);
    }
    assert.equal(reached.length, 0);
  },
);

law(
  "recordings of sessions are not among the usual endpoints, nor is every socket",
  async ({ send, mint }) => {
    const { token } = await mint({ endpoints: undefined });
    for (
      const [method, path, status] of [
        ["POST", "/v1/live/sessions", 200],
        ["GET", "/v1/live/sessions/live_1/content", 403],
        ["POST", "/v1/live/sessions/live_1/fork", 403],
        [
          "POST",
          "/ws/google.ai.generativelanguage.v1beta.FileService.ListFiles",
          403,
        ],
        [
          "POST",
          "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
          200,
        ],
      ] as const
    ) {
      const answer = await send(path, { method, headers: bearer(token) });
      assert.equal(answer.status, status, path);
    }
  },
);

law(
  "an isolated token ends the calls it has made, and no other's",
  async ({ send, mint, respondWith }) => {
    const owner = await mint({ isolated: true });
    const other = await mint({ isolated: true });
    const call = "rtc_u1_9c6574da8b8a41a18da9308f4ad974ce";
    respondWith(() =>
      new Response("v=0", {
        status: 201,
        headers: {
          "content-type": "application/sdp",
          location: `/v1/realtime/calls/${call}`,
        },
      })
    );
    const post = (path: string, token: string, type: string) =>
      send(path, {
        method: "POST",
        headers: { ...bearer(token), "content-type": type },
        body: "{}",
      });
    await post("/v1/realtime/calls", owner.token, "application/sdp");
    respondWith(() => new Response(null));
    for (const path of [`calls/${call}/hangup`, `calls?call_id=${call}`]) {
      const target = `/v1/realtime/${path}`;
      const status = async (token: string) =>
        (await post(target, token, "application/json")).status;
      assert.equal(await status(other.token), 404, path);
      assert.equal(await status(owner.token), 200, path);
    }
  },
);

law(
  "a client that leaves while its answer is looked into has left",
  async ({ open, mint, respondWith, lines, flights }) => {
    const { token } = await mint({ isolated: true });
    const leave = new AbortController();
    respondWith(() =>
      new Response(
        new ReadableStream({
          pull(controller) {
            leave.abort();
            controller.error(new Error("aborted"));
          },
        }),
        { headers: { "content-type": "application/json" } },
      )
    );
    const answer = await open("/v1/files", {
      headers: bearer(token),
      signal: leave.signal,
    });
    await answer.body?.cancel();
    assert.equal(lines.at(-1)!.ending, "client_closed");
    assert.equal(lines.at(-1)!.status, 499);
    assert.equal(flights.size, 0);
  },
);

law(
  "a client that leaves while the answer it pays for is looked into: read to its end, and said to be",
  async ({ open, mint, respondWith, lines, flights }) => {
    const { token } = await mint({ isolated: true });
    const leave = new AbortController();
    respondWith(() =>
      new Response(
        new ReadableStream({
          pull(controller) {
            leave.abort();
            controller.enqueue(new TextEncoder().encode('{"id":"resp_left"}'));
            controller.close();
          },
        }, { highWaterMark: 0 }),
        { headers: { "content-type": "application/json" } },
      )
    );
    const answer = await open("/v1/responses", {
      method: "POST",
      headers: bearer(token),
      body: '{"model":"gpt-x"}',
      signal: leave.signal,
    });
    await answer.body?.cancel();
    const { ending, status, bytes } = lines.at(-1)!;
    assert.deepEqual([ending, status, bytes], ["drained", 200, 0]);
    assert.equal(flights.size, 0);
  },
);
