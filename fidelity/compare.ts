/**
 * What a gateway changed: what both ends saw through it beside what they saw
 * without it. What the standards leave to an intermediary (`standard.ts`) is
 * no difference.
 */

import type { Buffer } from "node:buffer";
import { field, type Head } from "../test/raw.ts";
import type { Gateway, Seen } from "./case.ts";
import type { Answered, Taken } from "./read.ts";
import {
  expectedFields,
  idempotent,
  mayAnswerFor,
  mayLackLength,
  mayStopHere,
  mayWriteField,
} from "./standard.ts";

/** One thing that is not as it was sent. */
export interface Difference {
  /** On the way to the origin, to the client, or in what else the case looks at. */
  readonly way: "up" | "down" | "case";
  /**
   * `refused`: nothing whole reached the origin. `count`: how often
   * the origin got it. `field`: a header field, named by `name`. The others
   * say themselves what they are.
   */
  readonly what: string;
  readonly name?: string;
  /** `undefined`: it was not there. */
  readonly direct: string | undefined;
  readonly through: string | undefined;
}

type Write = (
  what: string,
  direct: string | undefined,
  through: string | undefined,
  name?: string,
) => void;

export function compare(
  { direct, through }: { direct: Seen; through: Seen },
  gateway: Gateway,
): Difference[] {
  const differences: Difference[] = [];
  const writer =
    (way: Difference["way"]): Write => (what, direct, through, name) => {
      if (direct === through) return;
      differences.push({ way, what, ...(name && { name }), direct, through });
    };
  const [up, down, more] = [writer("up"), writer("down"), writer("case")];
  const answer = through.answer?.line ?? "no answer";
  const [first] = direct.requests;
  const reached = through.requests.some(({ ending }) => ending === "whole");
  if (first?.ending === "whole" && !reached) {
    up("refused", first.line, answer);
    return differences;
  }
  compareRequests(direct, through, { up, gateway });
  compareAnswers(direct.answer, through.answer, { down, own: ownOf(gateway) });
  const notes = new Set(
    [direct, through].flatMap(({ notes = {} }) => Object.keys(notes)),
  );
  for (const name of notes) {
    more(name, text(direct.notes?.[name]), text(through.notes?.[name]));
  }
  return differences;
}

type Own = (name: string, direct: string | undefined) => boolean;

/** What the gateway is told, and what it adds under its own name. */
function ownOf({ fields = [], own }: Gateway): Own {
  const told = fields.map((line) => line.split(":")[0]!.trim().toLowerCase());
  return (name, direct) =>
    told.includes(name) ||
    own !== undefined && direct === undefined && name.startsWith(own);
}

function compareRequests(
  direct: Seen,
  through: Seen,
  { up, gateway }: { up: Write; gateway: Gateway },
) {
  const [one] = direct.requests;
  const times = through.requests.length;
  const again = one && idempotent(one.line) && direct.answer === undefined;
  const unheard = one && mayStopHere(one) && times === 0;
  if (!again && !unheard) {
    up("count", `${direct.requests.length}`, `${times}`);
  }
  const own = ownOf(gateway);
  direct.requests.forEach((sent, i) => {
    const got = through.requests[i];
    if (got) compareRequest(sent, got, { up, own });
  });
}

function compareRequest(
  sent: Taken,
  got: Taken,
  { up, own }: { up: Write; own: Own },
) {
  const [method, target] = sent.line.split(" ");
  const [gotMethod, gotTarget] = got.line.split(" ");
  up("method", method, gotMethod);
  up("target", target, gotTarget);
  compareFields(sent, got, { way: "up", write: up, own });
  compareContent(sent, got, up);
}

function compareAnswers(
  sent: Answered | undefined,
  got: Answered | undefined,
  { down, own }: { down: Write; own: Own },
) {
  if (sent === undefined || mayAnswerFor(sent)) {
    if (got !== undefined && got.status < 500) {
      down("answer", sent?.line ?? "none", got.line);
    }
    return;
  }
  if (got === undefined || sent.ending === "cut" && got.status >= 502) {
    // Of what broke off before its content had begun, nothing is missing.
    if (sent.ending === "cut" && sent.content.length === 0) return;
    return down("answer", sent.line, got?.line ?? "none");
  }
  down("status", `${sent.status}`, `${got.status}`);
  down("interim", interim(sent), interim(got));
  compareFields(sent, got, { way: "down", write: down, own });
  compareContent(sent, got, down);
}

function compareFields(
  sent: Head,
  got: Head,
  { way, write, own }: {
    way: "up" | "down";
    write: Write;
    own: Own;
  },
) {
  const before = expectedFields(sent);
  const after = expectedFields(got, got);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [direct, through] = [before.get(name), after.get(name)];
    if (
      own(name, direct) || mayWriteField(way, name, { sent, direct, through })
    ) {
      continue;
    }
    write("field", direct, through, name);
  }
}

function compareContent(sent: Taken, got: Taken, write: Write) {
  write("ending", sent.ending, got.ending);
  compareLength(sent, got, write);
  if (mayStopHere(sent)) return;
  if (!sent.content.equals(got.content)) {
    const [direct, through] = apart(sent.content, got.content);
    write("content", direct, through);
  }
  const added = got.trailers.filter((line) => !sent.trailers.includes(line));
  write("trailers", "", added.join());
}

/** What was said of the length is not lost and not made up; chunks may go on with theirs, once it is known. */
function compareLength(sent: Taken, got: Taken, write: Write) {
  const [direct, through] = [sent, got].map((one) =>
    field(one, "content-length")
  );
  if (direct === through) return;
  if (mayLackLength(sent) && !Number(through)) return;
  const learnt = direct === undefined && sent.framing !== "none" &&
    Number(through) === sent.content.length;
  if (!learnt) write("length", direct, through);
}

function interim(answer: Answered): string {
  return answer.interim.map(({ line, fields }) =>
    [line.split(" ")[1], ...fields].join(" ")
  ).join();
}

/** Where two contents part, with a few bytes of both. */
function apart(one: Buffer, other: Buffer): [string, string] {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const from = Math.max(0, at - 10);
  return [one, other].map((content) => {
    const some = content.toString("latin1", from, at + 30);
    return `${content.length} bytes, from ${from}: ${JSON.stringify(some)}`;
  }) as [string, string];
}

function text(note: string | number | boolean | undefined) {
  return note === undefined ? undefined : `${note}`;
}
