/** Makes a case that fails as small as it can be and still fail in the same way. */

import { bytes } from "../test/raw.ts";
import type { Case } from "./case.ts";
import type { Difference } from "./compare.ts";
import type { Ask, Reply } from "./message.ts";
import { type Ground, judge } from "./score.ts";

/** Cases that are tried at most. */
const MOST = 120;

/** Only of cases that are one request and its answer. */
export async function shrink(
  one: Case,
  differences: readonly Difference[],
  ground: Ground,
): Promise<Case> {
  const wanted = kind(differences[0]!);
  let least = one;
  let tried = 0;
  for (let smaller = true; smaller && tried < MOST;) {
    smaller = false;
    for (const candidate of candidates(least)) {
      if (++tried > MOST) break;
      const { differences: left } = await judge(candidate, ground);
      if (!left.some((difference) => kind(difference) === wanted)) continue;
      least = candidate;
      smaller = true;
      break;
    }
  }
  return least;
}

function kind({ way, what, name }: Difference): string {
  return [way, what, name].join();
}

/** Each with one thing less, the largest first. */
function candidates(one: Case): Case[] {
  const { sends = {}, answers = {} } = one;
  return [
    ...(Object.keys(answers).length > 0 ? [{ ...one, answers: {} }] : []),
    ...less(sends).map((sends) => ({ ...one, sends })),
    ...less(answers).map((answers) => ({ ...one, answers })),
    ...lessAsked(sends).map((sends) => ({ ...one, sends })),
  ];
}

function less<Said extends Ask | Reply>(said: Said): Said[] {
  const { fields = [], content, chunks } = said;
  const whole = bytes(...chunks ?? [], content ?? "");
  const half = whole.length >> 1;
  const text = whole.toString("latin1");
  const parts = [text.slice(0, half), text.slice(half)];
  return [
    ...fields.map((_, i) => ({ ...said, fields: fields.toSpliced(i, 1) })),
    ...(chunks && chunks.length > 1 ? [{ ...said, chunks: [text] }] : []),
    ...(half > 0 && chunks
      ? parts.map((part) => ({ ...said, chunks: [part] }))
      : []),
    ...(half > 0 && content !== undefined
      ? parts.map((content) => ({ ...said, content }))
      : []),
  ];
}

function lessAsked(ask: Ask): Ask[] {
  const { method = "GET", target = "/v1/x" } = ask;
  const [path = "", query] = target.split("?");
  const { content: _, chunks: __, ...bare } = ask;
  return [
    ...(method === "GET" ? [] : [{ ...bare, method: "GET" }]),
    ...(query === undefined ? [] : [{ ...ask, target: path }]),
    ...(query?.length
      ? [{ ...ask, target: `${path}?${query.slice(1)}` }, {
        ...ask,
        target: `${path}?${query.slice(0, -1)}`,
      }]
      : []),
    ...(path === "/v1/x"
      ? []
      : [{ ...ask, target: target.replace(path, "/v1/x") }]),
  ];
}
