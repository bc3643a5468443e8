import assert from "node:assert/strict";
import { PROVIDERS } from "../providers/mod.ts";
import { gistOf, stickyName } from "./conversation.ts";
import type { Route } from "./provider.ts";

const encoder = new TextEncoder();
const T1 = { token: { id: "tok1" }, by: "hash-1" };
const T2 = { token: { id: "tok2" }, by: "hash-2" };

function routeTo(id: string, path: string): Route {
  const provider = PROVIDERS.find((row) => row.id === id)!;
  return { provider, prefix: "", target: { path, query: "", credentials: [] } };
}

const CHAT = routeTo("openai", "/v1/chat/completions");
const RESPONSES = routeTo("openai", "/v1/responses");
const MESSAGES = routeTo("anthropic", "/v1/messages");
const GENERATE = routeTo("gemini", "/v1beta/models/g-1:generateContent");
const INTERACT = routeTo("gemini", "/v1beta/interactions");

function nameOf(
  route: Route,
  body: unknown,
  { holder = T1, fields = {}, method = "POST" }: {
    holder?: typeof T1;
    fields?: Record<string, string>;
    method?: string;
  } = {},
): string | undefined {
  const bytes = body === undefined
    ? undefined
    : encoder.encode(typeof body === "string" ? body : JSON.stringify(body));
  return stickyName(holder as never, route, {
    method,
    headers: new Headers(fields),
    gist: gistOf(bytes),
  });
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const system = (content: unknown) => ({ role: "system", content });
const said = (text: string, more = {}) => [{ type: "text", text, ...more }];
const turn = (role: string, text: string) => ({ role, parts: [{ text }] });

/** For each wire: a request, one that goes on with it, and others. */
const CONVERSATIONS: {
  name: string;
  route: Route;
  begins: unknown;
  goesOn: readonly unknown[];
  others: readonly unknown[];
}[] = [
  {
    name: "chat",
    route: CHAT,
    begins: { model: "m", messages: [system("S"), user("A")] },
    goesOn: [
      {
        model: "m",
        temperature: 1,
        messages: [system("S"), user("A"), assistant("B"), user("C")],
        tools: [{ function: { name: "f", parameters: {} } }],
      },
      '{ "messages" : [ {"content":"S","role":"system"}, {"role":"user","content":[{"type":"text","text":"A"}]} ], "model" : "m" }',
    ],
    others: [
      { model: "n", messages: [system("S"), user("A")] },
      { model: "m", messages: [system("T"), user("A")] },
      { model: "m", messages: [system("S"), user("B")] },
      { model: "m", messages: [user("A")] },
      { model: "m", messages: [system("SA")] },
    ],
  },
  {
    name: "chat with developers' words",
    route: CHAT,
    begins: {
      model: "m",
      messages: [{ role: "developer", content: "S" }, user("A")],
    },
    goesOn: [{
      model: "m",
      messages: [
        { role: "developer", content: "S" },
        user("A"),
        user("B"),
      ],
    }],
    others: [{
      model: "m",
      messages: [{ role: "developer", content: "S" }, user("B")],
    }],
  },
  {
    name: "Responses",
    route: RESPONSES,
    begins: { model: "m", store: false, instructions: "S", input: "A" },
    goesOn: [
      {
        model: "m",
        store: false,
        instructions: "S",
        input: [user("A"), assistant("B"), user("C")],
      },
    ],
    others: [
      { model: "m", store: false, instructions: "S", input: "B" },
      { model: "m", store: false, instructions: "T", input: "A" },
      { model: "m", store: false, input: "A" },
    ],
  },
  {
    name: "Anthropic, whose clients move their marks along",
    route: MESSAGES,
    begins: {
      model: "m",
      messages: [user(said("A", { cache_control: { type: "ephemeral" } }))],
      system: said("S", { cache_control: { type: "ephemeral" } }),
    },
    goesOn: [
      {
        model: "m",
        system: "S",
        messages: [
          user(said("A")),
          assistant(said("B")),
          user(said("C", { cache_control: { type: "ephemeral" } })),
        ],
      },
      { model: "m", system: said("S"), messages: [user("A")] },
    ],
    others: [
      { model: "m", system: "S", messages: [user("B")] },
      { model: "m", system: "T", messages: [user("A")] },
    ],
  },
  {
    name: "Gemini",
    route: GENERATE,
    begins: {
      systemInstruction: { parts: [{ text: "S" }] },
      contents: [turn("user", "A")],
    },
    goesOn: [
      {
        contents: [turn("user", "A"), turn("model", "B"), turn("user", "C")],
        system_instruction: { parts: [{ text: "S" }] },
      },
    ],
    others: [
      {
        systemInstruction: { parts: [{ text: "S" }] },
        contents: [turn("user", "B")],
      },
      { contents: [turn("user", "A")] },
    ],
  },
];

for (const { name, route, begins, goesOn, others } of CONVERSATIONS) {
  Deno.test(`a conversation keeps its name: ${name}`, () => {
    const named = nameOf(route, begins);
    assert.match(named!, /^[\w-]{43}$/);
    for (const body of goesOn) assert.equal(nameOf(route, body), named);
    for (const body of others) assert.notEqual(nameOf(route, body), named);
  });

  Deno.test(`no two tokens have a name in common: ${name}`, () => {
    const own = nameOf(route, begins);
    assert.notEqual(nameOf(route, begins, { holder: T2 }), own);
    const other = { ...T1, token: { id: "tok3" } };
    assert.notEqual(nameOf(route, begins, { holder: other }), own);
    const rotated = { ...T1, by: "hash-after" };
    assert.notEqual(nameOf(route, begins, { holder: rotated }), own);
  });
}

Deno.test("the end of one part is not the beginning of the next", () => {
  const messages = (first: string, second: string) => ({
    messages: [system(first), user(second)],
  });
  assert.notEqual(
    nameOf(CHAT, messages("ab", "c")),
    nameOf(CHAT, messages("a", "bc")),
  );
});

Deno.test("pictures without words are told apart, and large ones by their beginning and length", () => {
  const picture = (data: string) => ({
    messages: [user([{ type: "image_url", image_url: { url: data } }])],
  });
  const [a, b, c] = ["A".repeat(200_000), "B".repeat(200_000), "A".repeat(9e4)]
    .map((data) => nameOf(CHAT, picture(data)));
  assert.equal(new Set([a, b, c]).size, 3);
  assert.equal(nameOf(CHAT, picture("A".repeat(200_000))), a);
});

const NAMED: {
  name: string;
  body?: object;
  fields?: Record<string, string>;
}[] = [
  { name: "prompt_cache_key", body: { prompt_cache_key: "N" } },
  { name: "metadata", body: { metadata: { user: "x", session_id: "N" } } },
  {
    name: "metadata, the surest of its names",
    body: { metadata: { conversation_id: "M", prompt_cache_key: "N" } },
  },
  {
    name: "the body before any field",
    body: { prompt_cache_key: "N" },
    fields: { "session-id": "M" },
  },
  {
    name: "no empty name",
    body: { prompt_cache_key: "", metadata: { session_id: "N" } },
  },
  {
    name: "no name that is no string",
    body: { prompt_cache_key: 7 },
    fields: { session_id: "N" },
  },
  ...[
    "x-prompt-cache-key",
    "x-claude-code-session-id",
    "session-id",
    "session_id",
    "conversation_id",
    "x-session-id",
    "x-conversation-id",
  ].map((field) => ({ name: field, fields: { [field]: "N" } })),
];

Deno.test("a client's own name for the conversation goes before how it began", () => {
  const names = NAMED.map(({ body = {}, fields = {} }, n) =>
    nameOf(CHAT, { messages: [user(`${n}`)], ...body }, { fields })
  );
  assert.equal(new Set(names).size, 1, JSON.stringify(names));
  const other = nameOf(CHAT, { prompt_cache_key: "M" });
  assert.notEqual(other, names[0]);
  const holder = T2;
  const fields = { "session-id": "N" };
  assert.notEqual(nameOf(CHAT, undefined, { fields, holder }), names[0]);
});

Deno.test("a socket's handshake names its conversation by a field", () => {
  const fields = { "session-id": "N" };
  const named = nameOf(RESPONSES, undefined, { method: "GET", fields });
  assert.equal(named, nameOf(CHAT, { prompt_cache_key: "N" }));
  assert.equal(nameOf(RESPONSES, undefined, { method: "GET" }), undefined);
});

const NONE: { name: string; route: Route; body?: unknown; method?: string }[] =
  [
    { name: "no content", route: CHAT },
    { name: "no messages", route: CHAT, body: { model: "m", messages: [] } },
    {
      name: "a system alone in a field",
      route: MESSAGES,
      body: { system: "S" },
    },
    { name: "no JSON", route: CHAT, body: "model=m" },
    { name: "JSON that does not end", route: CHAT, body: '{"messages":["a"' },
    { name: "a list", route: CHAT, body: [1] },
    {
      name: "embeddings",
      route: routeTo("openai", "/v1/embeddings"),
      body: { input: "A" },
    },
    {
      name: "the list of models",
      route: routeTo("openai", "/v1/models"),
      method: "GET",
    },
  ];

Deno.test("what is no conversation has no name", () => {
  for (const { name, route, body, method = "POST" } of NONE) {
    assert.equal(nameOf(route, body, { method }), undefined, name);
  }
});

const FILE = "file-AbCdEfGhIjKlMnOp";
const KEPT: { name: string; route: Route; body?: unknown; method?: string }[] =
  [
    {
      name: "a file",
      route: routeTo("openai", `/v1/files/${FILE}`),
      method: "GET",
    },
    { name: "an upload", route: routeTo("gemini", "/upload/v1beta/files") },
    {
      name: "a batch",
      route: routeTo("anthropic", "/v1/messages/batches"),
      body: { requests: [] },
    },
    { name: "an answer that is kept", route: RESPONSES, body: { input: "A" } },
    {
      name: "a stored response",
      route: routeTo("openai", "/v1/responses/resp_1"),
      method: "GET",
    },
    {
      name: "what goes on with one",
      route: RESPONSES,
      body: { store: false, previous_response_id: "resp_1", input: "B" },
    },
    {
      name: "a conversation at the API's",
      route: RESPONSES,
      body: { store: false, conversation: { id: "conv_1" }, input: "B" },
    },
    {
      name: "a chat that is kept",
      route: CHAT,
      body: { store: true, messages: [user("A")] },
    },
    {
      name: "a file among the words",
      route: CHAT,
      body: {
        messages: [user([{ type: "file", file: { file_id: FILE } }])],
      },
    },
    {
      name: "a list of stores",
      route: RESPONSES,
      body: {
        store: false,
        input: "A",
        tools: [{ vector_store_ids: ["vs_AbCdEfGhIjKlMnOp"] }],
      },
    },
    {
      name: "Gemini's files",
      route: GENERATE,
      body: {
        contents: [{
          parts: [{
            fileData: {
              fileUri:
                "https://generativelanguage.googleapis.com/v1beta/files/abc",
            },
          }],
        }],
      },
    },
    {
      name: "Gemini's caches",
      route: GENERATE,
      body: {
        cachedContent: "cachedContents/a",
        contents: [turn("user", "A")],
      },
    },
    { name: "an interaction", route: INTERACT, body: { input: "A" } },
    {
      name: "a container",
      route: MESSAGES,
      body: { container: "container_1", messages: [user("A")] },
    },
  ];

Deno.test("what the API keeps is, for one token, all with one key", () => {
  const home = nameOf(routeTo("openai", "/v1/files"), undefined);
  for (const { name, route, body, method = "POST" } of KEPT) {
    assert.equal(nameOf(route, body, { method }), home, name);
    assert.notEqual(nameOf(route, body, { method, holder: T2 }), home, name);
  }
});

Deno.test("what only looks like a name of something kept changes nothing", () => {
  const messages = [user("A")];
  const plain = nameOf(CHAT, { messages });
  for (
    const more of [
      { tools: [{ parameters: { properties: { file_id: { type: "x" } } } }] },
      { tools: [{ arguments: { file_id: "seven" } }] },
      { metadata: { note: `"file_id":"${FILE}"` } },
      { store: false },
      { store: null },
      { conversation: null },
    ]
  ) assert.equal(nameOf(CHAT, { messages, ...more }), plain);
});

Deno.test("gistOf() names the model as it is, and none that is no name", () => {
  const modelOf = (text: string) => gistOf(encoder.encode(text)).model;
  assert.equal(modelOf('{"model":"gpt-\\u0034o","input":"x"}'), "gpt-4o");
  assert.equal(modelOf('{"input":{"model":"x"},"model":"m"}'), "m");
  assert.equal(modelOf('{"model":7}'), "");
  assert.equal(modelOf(`{"model":"${"m".repeat(600)}"}`), "");
  assert.equal(modelOf("[]"), "");
});

Deno.test("gistOf() finds the same in any JSON, whatever it passes over", () => {
  const odd = [
    "\\",
    '\\"',
    '"',
    "\\\\",
    "{[",
    "]}",
    "\u00e9\u4f60",
    "\n",
    '"model":"x"',
    "a".repeat(23) + '"',
    "b".repeat(24) + "\\",
    "c".repeat(25) + '\\"',
  ];
  for (let n = 0; n < 2_000; n++) {
    const pick = (m: number) => odd[(n * 7 + m * (n + 3)) % odd.length]!;
    const body = {
      [pick(1)]: [pick(2), { [pick(3)]: [pick(4), n, null, true] }, {}],
      model: `m${n}`,
      messages: [system(pick(5) + pick(6)), user(`${pick(7)}${n}`)],
      [pick(8)]: pick(9),
    };
    for (const space of [0, 1, "\t"]) {
      const gist = gistOf(encoder.encode(JSON.stringify(body, null, space)));
      assert.equal(gist.model, `m${n}`);
      assert.equal(gist.opening.length, 2);
      assert.ok(gist.opening[1]!.endsWith(`${n}"`), gist.opening[1]);
    }
  }
});

Deno.test("gistOf() finds nothing in what is cut off, wherever that is", () => {
  const whole = JSON.stringify({
    model: "m",
    messages: [user('say "hi" \\ \n'), user([{ text: "x" }])],
    n: [1, [2, { a: null }]],
  });
  const bytes = encoder.encode(whole);
  assert.equal(gistOf(bytes).model, "m");
  for (let end = 0; end < bytes.length; end++) {
    assert.deepEqual(gistOf(bytes.subarray(0, end)).opening, [], `${end}`);
  }
});
