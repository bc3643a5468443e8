/**
 * Comments that keep a silent event stream awake: platforms and proxies put to
 * sleep or cut what sends nothing for a while.
 *
 * @module
 */

/** A comment, which every reader of event streams skips (HTML Standard §9.2.6). */
export const PING: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  ": ping\n\n",
);

/** Whether a comment may be put into this answer: an event stream as it was written, whose length nobody has promised. */
export function isEventStream({ status, headers }: Response): boolean {
  const type = headers.get("content-type") ?? "";
  return status === 200 && /^text\/event-stream\s*(?:;|$)/i.test(type) &&
    (headers.get("content-encoding") ?? "identity") === "identity" &&
    !headers.has("content-length");
}

/**
 * Where a stream stands, told chunk by chunk: `true` after a blank line, which
 * is to say between two events. A CR behind an LF may be half of a CRLF, and
 * counts when its LF has come.
 */
export function betweenEvents(): (chunk: Uint8Array) => boolean {
  let last = "";
  return (chunk) => {
    last = (last + String.fromCharCode(...chunk.subarray(-3))).slice(-3);
    return /\n\n$|\r\r$|[\r\n]\r\n$/.test(last);
  };
}
