/** Usage asked for in the client's place, and taken out of what it gets. */

import assert from "node:assert/strict";
import { CORPUS, pieces } from "../test/usage/mod.ts";
import { askForUsage, hideUsage } from "./exact.ts";

Deno.test("askForUsage() changes only the bytes that ask", () => {
  const asked = '"stream_options":{"include_usage":true}';
  const table: readonly (readonly [string, string | undefined])[] = [
    [
      '{"model":"m", "stream":true,"messages":[{"content":"é😀\\u00e9"}]}',
      `{${asked},"model":"m", "stream":true,"messages":[{"content":"é😀\\u00e9"}]}`,
    ],
    [' \n{ "stream" : true }\n', ` \n{${asked}, "stream" : true }\n`],
    ['{"stream":true,"stream_options":null}', `{"stream":true,${asked}}`],
    [
      '{"stream":true,"stream_options": { } }',
      '{"stream":true,"stream_options": {"include_usage":true } }',
    ],
    [
      '{"stream_options":{"include_obfuscation":false},"stream":true}',
      '{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage" : false}}',
      '{"stream":true,"stream_options":{"include_usage" : true}}',
    ],
    ['{"stream":true,"stream_options":{"include_usage":true}}', undefined],
    ['{"stream":true,"stream_options":[1]}', undefined],
    ['{"stream":true,"stream_options":{},"stream_options":{}}', undefined],
    ['{"stream":true,"stream":true}', undefined],
    ['{"stream":false}', undefined],
    ['{"stream":"true"}', undefined],
    ['{"nested":{"stream":true}}', undefined],
    ['{"stream":true', undefined],
    ["[true]", undefined],
    ["{}", undefined],
    ["", undefined],
  ];
  for (const [sent, want] of table) {
    assert.equal(askForUsage(sent), want, sent);
    if (want === undefined) continue;
    const { stream_options: { include_usage }, ...rest } = JSON.parse(want);
    assert.equal(include_usage, true);
    const { stream_options: _, ...before } = JSON.parse(sent);
    assert.deepEqual(rest, before);
  }
});

const encoder = new TextEncoder();

/** What the filter lets through, of a stream in chunks of `size` bytes. */
function filtered(text: string, size: number): string {
  const filter = hideUsage();
  const sent = encoder.encode(text);
  const out: Uint8Array[] = [];
  for (let at = 0; at < sent.length; at += size) {
    out.push(filter.push(sent.subarray(at, at + size)));
  }
  out.push(filter.end());
  return new TextDecoder().decode(
    new Uint8Array(out.flatMap((chunk) => [...chunk])),
  );
}

/** A stream as asked for, and as it is without the asking. */
const CHUNK =
  '{"id":"1","choices":[{"delta":{"content":"é \\"usage\\":null"}}]';
const STREAMS: readonly (readonly [string, string, string])[] = [
  [
    "null in every chunk, the counts in a chunk of their own",
    `data: ${CHUNK},"usage":null}\n\ndata: ${CHUNK}, "usage" : null,"x":1}\n\ndata: {"id":"1","choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n`,
    `data: ${CHUNK}}\n\ndata: ${CHUNK},"x":1}\n\ndata: [DONE]\n\n`,
  ],
  [
    "null at the front",
    'data: {"usage":null, "choices":[1]}\n\n',
    'data: { "choices":[1]}\n\n',
  ],
  [
    "comments, other fields and an event that is none",
    `: hello\n\nevent: x\ndata: ${CHUNK},"usage":null}\nid: 1\n\ndata: {"broken\n\n: end`,
    `: hello\n\nevent: x\ndata: ${CHUNK}}\nid: 1\n\ndata: {"broken\n\n: end`,
  ],
  [
    "the first chunk of Azure has no choices and no counts",
    'data: {"choices":[],"prompt_filter_results":[{}],"usage":null}\n\n',
    'data: {"choices":[],"prompt_filter_results":[{}]}\n\n',
  ],
];

Deno.test("hideUsage() gives the stream as it would be had nobody asked, in any pieces", () => {
  for (const [name, sent, want] of STREAMS) {
    for (const newline of ["\n", "\r\n", "\r"]) {
      const [from, to] = [sent, want].map((text) =>
        text.replaceAll("\n", newline)
      ) as [string, string];
      for (let size = 1; size <= from.length; size++) {
        assert.equal(filtered(from, size), to, `${name}, ${size}`);
      }
    }
  }
});

Deno.test("hideUsage() changes no byte of a stream that nobody asked for usage", () => {
  for (const row of CORPUS.filter(({ events }) => events)) {
    if (
      row.name.startsWith("chat stream with") ||
      row.line.includes("/completions")
    ) continue;
    const text = pieces(row).join("");
    for (const size of [1, 5, 64, text.length]) {
      assert.equal(filtered(text, size), text, row.name);
    }
  }
});

Deno.test("hideUsage() holds an event no longer than it takes to be whole, and no more than 1 MiB", () => {
  const filter = hideUsage();
  const event = encoder.encode(`data: ${CHUNK}}\n\n`);
  assert.deepEqual(filter.push(event), event);
  assert.equal(filter.push(encoder.encode("data: {")).length, 0);
  const long = new Uint8Array(2 ** 20).fill(0x61);
  assert.equal(filter.push(long).length, long.length + 7);
  assert.equal(filter.end().length, 0);
});
