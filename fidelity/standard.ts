/**
 * What a correct intermediary does with a message, so that it is no
 * difference: each row with the words that say so. Nothing is in here because
 * some gateway does it; that is what `allow.ts` is for.
 */

import type { Head } from "../test/raw.ts";
import type { Answered, Taken } from "./read.ts";

/** For one connection only (RFC 9110 §7.6.1): those of the sender end here, those of the gateway are its own affair. */
const HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

/** Said with the framing, and compared there. */
const FRAMING = ["content-length"];

/** Fields that a gateway may hand on or not, and why. */
const EITHER: Readonly<Record<string, string>> = {
  "via": "RFC 9110 §7.6.3: an intermediary adds itself",
  "trailer": "RFC 9110 §6.5.1: trailers may be dropped, and then so is this",
  "proxy-authorization": "RFC 9110 §11.7.2: for the first proxy that asks",
  "proxy-authenticate": "RFC 9110 §11.7.1: for the next client only",
  "sec-websocket-key": "RFC 6455 §4.1: of the one handshake",
  "sec-websocket-accept": "RFC 6455 §4.2.2: of the one handshake",
  "sec-websocket-version": "RFC 6455 §4.1: of the one handshake",
  "sec-websocket-extensions": "RFC 6455 §9.1: of the one connection",
};

/**
 * A head's fields as all its readers must understand them: names in lower
 * case (RFC 9110 §5.1), values without the space around them (§5.5), lines of
 * one name as one list in their order, but for cookies (§5.3). What `Connection`
 * names is left out.
 */
export function expectedFields(head: Head, self?: Head): Map<string, string> {
  const named = self ? [] : options(head);
  const fields = new Map<string, string>();
  for (const line of head.fields) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (named.includes(name) && !HOP.includes(name) || FRAMING.includes(name)) {
      continue;
    }
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    const before = fields.get(name);
    fields.set(
      name,
      before === undefined
        ? value
        : before + (name === "set-cookie" ? "\n" : ", ") + value,
    );
  }
  return fields;
}

/** A field as its sender wrote the message, and as it came straight and through the gateway. */
interface Told {
  readonly sent: Head;
  readonly direct: string | undefined;
  readonly through: string | undefined;
}

export function mayWriteField(
  way: "up" | "down",
  name: string,
  { sent, direct, through }: Told,
): boolean {
  if (name in EITHER) return true;
  if (HOP.includes(name)) return !passedOn(name, { sent, direct, through });
  // RFC 9110 §6.6.1: a recipient with a clock adds the date that is missing.
  if (way === "down" && name === "date" && direct === undefined) return true;
  if (name === "sec-websocket-protocol" && direct && through) {
    // RFC 6455 §11.3.4: a list.
    return list(direct, false).join() === list(through, false).join();
  }
  // RFC 9110 §5.3: one list, however its members are spaced.
  const lines = sent.fields.filter((line) => line.startsWith(`${name}:`));
  return lines.length > 1 && direct !== undefined && through !== undefined &&
    list(direct, false).join() === list(through, false).join();
}

/** Whether the sender's own words are in a field that is for one connection. */
function passedOn(
  name: string,
  { sent, direct, through }: Told,
): boolean {
  if (through === undefined || name === "transfer-encoding") return false;
  if (name !== "connection") {
    // The gateway's own handshake has the same word in it.
    return through === direct && through.toLowerCase() !== "websocket";
  }
  const usual = /^(?:close|keep-alive|upgrade)$/;
  const theirs = options(sent).filter((option) => !usual.test(option));
  return list(through).some((option) => theirs.includes(option));
}

/** Whether an origin's answer is one that no gateway may pass off as its own: RFC 9110 §15 (above 599), §7.8 (a switch nobody asked for), §15.6.3. */
export function mayAnswerFor({ status, fields }: Answered): boolean {
  const asked = fields.some((line) => line.startsWith("sec-websocket-accept:"));
  return !(status >= 200 && status < 600) && !(status === 101 && asked);
}

/** Of a request that broke off, its bytes need not have gone up; of an answer that broke off, they must have come down (RFC 9112 §8). */
export function mayStopHere({ line, ending }: Taken): boolean {
  return ending !== "whole" && !line.startsWith("HTTP/");
}

/** Without content and in no chunks, a request need not say so: RFC 9112 §6.3. */
export function mayLackLength({ line, framing, content }: Taken): boolean {
  return !line.startsWith("HTTP/") && framing !== "chunked" &&
    content.length === 0;
}

/** Such a request may be sent again where the origin closed without an answer: RFC 9110 §9.2.2. */
export function idempotent(line: string): boolean {
  return /^(?:GET|HEAD|PUT|DELETE|OPTIONS) /.test(line);
}

/** What `Connection` names, lower case. */
function options(head: Head): string[] {
  const lines = head.fields.filter((line) => line.startsWith("connection:"));
  return lines.flatMap((line) => list(line.slice(11)));
}

function list(value: string, lower = true): string[] {
  return (lower ? value.toLowerCase() : value).split(",").map((part) =>
    part.trim()
  ).filter((part) => part !== "");
}
