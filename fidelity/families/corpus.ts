/** Answers of OpenAI's API in the shapes its own sources give, as the meter's corpus has them (`test/usage/`). */

import { CORPUS, pieces, typeOf } from "../../test/usage/mod.ts";
import type { Case } from "../case.ts";
import { utf8 } from "../message.ts";

const rows = CORPUS.filter(({ provider, messages }) =>
  provider === "openai" && messages === undefined
);

export const corpus: readonly Case[] = rows.flatMap((row) => {
  const [method = "", target = ""] = row.line.split(" ");
  const type = `content-type: ${typeOf(row)}`;
  const sends = { method, target, ...(method === "POST" && { content: "{}" }) };
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
