/** JSON both ways: whoever parses it and writes it anew is seen. */

import type { Part } from "../../test/raw.ts";
import type { Case } from "../case.ts";
import { utf8 } from "../message.ts";
import { membersFor } from "./members.ts";

/** Members of a request to a chat. */
const MEMBERS: Readonly<Record<string, Part>> = {
  "unknown members": '"x_new":true,"nested":{"x_newer":[1,{"a":null}]}',
  "numbers as they are spelt":
    '"a":1.0,"b":1e2,"c":1E+2,"d":-0,"e":0.10,"f":1e-7',
  "numbers beyond a double":
    '"a":12345678901234567890,"b":1e999,"seed":9007199254740993',
  "one member twice": '"user":"a","user":"b"',
  "escapes": String.raw`"a":"\u00e9\/\u003c\uD83D\uDE00\b\f"`,
  "half a surrogate": String.raw`"a":"\ud83d"`,
  "raw unicode": utf8('"a":"é€😀\u2028\u2029\u200b"'),
  "unicode in names": utf8('"é😀":1,"":2'),
  "two spellings of one letter": utf8('"a":"é","b":"e\u0301"'),
  "__proto__": '"__proto__":{"a":1},"constructor":2',
  "order of members": '"z":1,"a":2,"10":3,"9":4',
  "space": ' "a" : [ 1 ,\t2 ]\r\n,\n"b":{ } ',
  "empty things": '"a":{},"b":[],"c":"","d":null,"e":false',
  "deep": `"a":${"[".repeat(200)}${"]".repeat(200)}`,
  "long text": `"a":"${"lorem ipsum ".repeat(2000)}"`,
};

/** Whole requests, of which each route has the least it needs. */
const bodies = (least: string): Record<string, Part> => ({
  ...Object.fromEntries(
    Object.entries(MEMBERS).map(([name, members]) => [
      name,
      `{${least},${members}}`,
    ]),
  ),
  "space around": `\r\n\t {${least}} \n\n`,
  "stream asked for": `{${least},"stream":true}`,
  "no stream asked for": `{${least},"stream":false,"stream_options":null}`,
  "tools": utf8(
    `{${least},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"é":{"type":"number","minimum":0.0}}}}}],"tool_choice":"auto"}`,
  ),
  "picture":
    `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${
      "iVBORw0K".repeat(500)
    }"}}]}]}`,
  "new role and part":
    `{"model":"gpt-9","messages":[{"role":"developer","content":[{"type":"x_new","x":1}]}]}`,
});

const TYPE = "content-type: application/json";
const PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"];

const up: Case[] = PATHS.flatMap((target) =>
  Object.entries(bodies(membersFor(target))).map(([name, content]) => ({
    name: `up to ${target}: ${name}`,
    sends: { method: "POST", target, fields: [TYPE], content },
  }))
);

const inChunks: Case = {
  name: "up in chunks, cut within a letter",
  sends: {
    method: "POST",
    target: PATHS[0]!,
    fields: [TYPE],
    chunks: [`{${membersFor(PATHS[0]!)},"a":"\xc3`, "\xa9", '"}'],
  },
};

const ANSWER =
  '"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}';

const down: Case[] = PATHS.flatMap((target) =>
  Object.entries(MEMBERS).map(([name, members]) => ({
    name: `down from ${target}: ${name}`,
    sends: {
      method: "POST",
      target,
      fields: [TYPE],
      content: `{${membersFor(target)}}`,
    },
    answers: { fields: [TYPE], content: `{${ANSWER},${members}}` },
  }))
);

const broken: Case[] = [
  "",
  "{",
  "not JSON",
  '{"choices":[]',
  "\xef\xbb\xbf{}",
  '{"a":"\xff"}',
].map((content) => ({
  name: `down, hardly JSON: ${JSON.stringify(content)}`,
  sends: {
    method: "POST",
    target: PATHS[0]!,
    fields: [TYPE],
    content: `{${membersFor(PATHS[0]!)}}`,
  },
  answers: { fields: [TYPE], content },
}));

export const json: readonly Case[] = [...up, inChunks, ...down, ...broken];
