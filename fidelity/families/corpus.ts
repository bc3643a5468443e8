/** Answers of OpenAI's API in the shapes its own sources give, as the meter's corpus has them (`test/usage/`). */

import { CORPUS, pieces, typeOf } from "../../test/usage/mod.ts";
import type { Case } from "../case.ts";
import { type Ask, utf8 } from "../message.ts";
import { membersFor } from "./members.ts";

const rows = CORPUS.filter(({ provider, messages }) =>
  provider === "openai" && messages === undefined
);

export const corpus: readonly Case[] = rows.flatMap((row) => {
  const [method = "", target = ""] = row.line.split(" ");
  const type = `content-type: ${typeOf(row)}`;
  const sends: Ask = method === "POST"
    ? { method, target, ...asked(target, row.events !== undefined) }
    : { method, target };
  return ["\n", "\r\n"].flatMap((newline): Case[] => {
    const parts = pieces(row, newline).map(utf8);
    const name = `${row.name}${newline === "\n" ? "" : " with CRLF"}`;
    return [
      { name, sends, answers: { fields: [type], content: parts.join("") } },
      {
        name: `${name} in chunks`,
        sends,
        answers: { fields: [type], chunks: parts },
      },
    ];
  });
});

/** What a client asks such an answer with, in the order that SDKs write it. */
function asked(target: string, stream: boolean): Ask {
  if (/\/(?:edits|variations|transcriptions|translations)$/.test(target)) {
    const fields = ["content-type: multipart/form-data; boundary=b"];
    const content =
      '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n';
    return { fields, content };
  }
  const members = membersFor(target);
  return { content: `{${members}${stream ? ',"stream":true' : ""}}` };
}
