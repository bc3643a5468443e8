/** The scanner, on JSON that is hard to read in pieces. */

import assert from "node:assert/strict";
import { openScan, type Shape } from "./scan.ts";

const SHAPE: Shape = {
  usage: "usage",
  model: "model",
  choices: { "*": { delta: { content: "text" } } },
};

/** What is found in bytes given in chunks of `size`, as one line per find. */
function found(bytes: Uint8Array, size: number): string[] {
  const finds: string[] = [];
  let text = 0;
  const scan = openScan(SHAPE, {
    measured: new Set(["text"]),
    found: (name, value) => finds.push(`${name} ${value}`),
    passed: (_, more) => {
      text += more;
    },
    ended: (word) => finds.push(`end ${word ?? ""} ${text}`),
  });
  for (let at = 0; at < bytes.length; at += size) {
    scan.push(bytes.subarray(at, at + size));
  }
  scan.reset();
  return finds;
}

const encoder = new TextEncoder();
const OBJECT =
  '{"x":[1,{"usage":"\\"]}"}],"us\\u0061ge":{"p":1,"é":"😀\\\\"},"choices":[{"delta":{"content":"ab\\"c😀"}},{"delta":{"content":null}},7],"model":"mödel"}';
const FINDS = [
  'usage {"p":1,"é":"😀\\\\"}',
  'model "mödel"',
];

const TABLE: readonly (readonly [name: string, json: string, string[]])[] = [
  ["one value", OBJECT, [...FINDS, "end  9"]],
  [
    "a list, lines, and a word in brackets",
    `[${OBJECT},\r\n${OBJECT}]\n${OBJECT}\n[DONE]`,
    [
      ...FINDS,
      "end  9",
      ...FINDS,
      "end  18",
      ...FINDS,
      "end  27",
      "end DONE 27",
    ],
  ],
  ["names that only begin like it", '{"usag":1,"usages":2,"model ":3}', [
    "end  0",
  ]],
  ["numbers, at the end too", '{"usage":12,"model":-1.5e3}12', [
    "usage 12",
    "model -1.5e3",
    "end  0",
    "end 12 0",
  ]],
  ["the later of two", '{"model":"a","model":"b"}', [
    'model "a"',
    'model "b"',
    "end  0",
  ]],
  [
    "a value too long, cut within a character, spoils none after it",
    `{"model":"${"é".repeat(40_000)}","usage":"é"}`,
    ["model undefined", 'usage "é"', "end  0"],
  ],
  [
    "names and words too long",
    `{"${"n".repeat(100)}":1,"usage":${"9".repeat(100)}}`,
    ["usage undefined", "end  0"],
  ],
  ["an end that is missing", '{"usage":{"a":1},"model":"m', ['usage {"a":1}']],
  ["ends too many", ']}{"usage":1}}]', ["usage 1", "end  0"]],
  ["members of the prototype", '{"constructor":{"usage":1},"__proto__":2}', [
    "end  0",
  ]],
];

for (const [name, json, finds] of TABLE) {
  Deno.test(`openScan() finds the same in any pieces: ${name}`, () => {
    const bytes = encoder.encode(json);
    assert.deepEqual(found(bytes, bytes.length), finds);
    for (let size = 1; size < Math.min(bytes.length, 300); size++) {
      assert.deepEqual(found(bytes, size), finds, `pieces of ${size}`);
    }
  });
}
