/** A lot at once, with a length and in chunks. */

import { Buffer } from "node:buffer";
import type { Case } from "../case.ts";

const MIB = 1 << 20;

/** No two of its kilobytes are alike. */
function filler(size: number): Buffer {
  const content = Buffer.alloc(size);
  for (let at = 0, word = 1; at + 4 <= size; at += 4) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    content.writeUInt32LE(word, at);
  }
  return content;
}

function pieces(content: Buffer, size = 65_536): Buffer[] {
  return Array.from(
    { length: Math.ceil(content.length / size) },
    (_, i) => content.subarray(i * size, (i + 1) * size),
  );
}

/** One MiB, and 32 where there is time. */
export function large(quick: boolean): Case[] {
  return (quick ? [1] : [1, 32]).flatMap((size): Case[] => {
    const content = filler(size * MIB);
    const fields = ["content-type: application/octet-stream"];
    const text = content.toString("base64");
    const json =
      `{"model":"gpt-4o","messages":[{"role":"user","content":"${text}"}]}`;
    const post = { method: "POST", target: "/v1/files", fields };
    const cases: Case[] = [
      { name: "up with a length", sends: { ...post, content } },
      { name: "up in chunks", sends: { ...post, chunks: pieces(content) } },
      { name: "down with a length", answers: { fields, content } },
      { name: "down in chunks", answers: { fields, chunks: pieces(content) } },
      { name: "down until the end", answers: { fields, bare: content } },
    ];
    const chat: Case = {
      name: "up to a chat",
      sends: {
        method: "POST",
        target: "/v1/chat/completions",
        fields: ["content-type: application/json"],
        content: json,
      },
    };
    return [...cases, ...(size === 1 ? [chat] : [])].map((one) => ({
      ...one,
      name: `${size} MiB ${one.name}`,
      patience: 20_000,
    }));
  });
}
