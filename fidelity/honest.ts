/**
 * A gateway by hand that does what the standards ask for and nothing else, and
 * can be told to do one thing wrong: by the one the kit is seen to be fair, by
 * the others that it sees.
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import {
  bytes,
  chunk,
  dial,
  field,
  type Framing,
  type Head,
  message,
  readHead,
  type Wire,
  wireOf,
} from "../test/raw.ts";
import { answerFraming, framingOf, passContent, statusOf } from "./read.ts";

/** What it does wrong. */
export interface Fault {
  readonly up?: (head: Head) => Head;
  readonly down?: (head: Head) => Head;
  /** Of the whole content, which is then held back until it is there. */
  readonly contentUp?: (content: Buffer, head: Head) => Buffer;
  readonly contentDown?: (content: Buffer, head: Head) => Buffer;
  /** What breaks off is ended as if it were whole. */
  readonly forges?: true;
  /** An origin is not told that its client left. */
  readonly stays?: true;
  /** Redirects are followed, once. */
  readonly follows?: true;
  /** Every POST goes up again. */
  readonly repeats?: true;
  /** Hop-by-hop fields go on. */
  readonly hops?: true;
  /** The token goes on beside the key. */
  readonly leaks?: true;
  /** Of a socket's bytes on their way down. */
  readonly frames?: (piece: Buffer) => Buffer;
}

export interface Honest {
  readonly url: string;
  stop(): Promise<void>;
}

export interface Between {
  readonly origin: string;
  readonly token: string;
  readonly key: string;
}

export async function startHonest(
  between: Between,
  fault: Fault = {},
): Promise<Honest> {
  const wires = new Set<Wire>();
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const client = wireOf(socket);
    wires.add(client);
    try {
      while (await serve(client, { ...between, fault, wires }));
    } catch {
      /* one side is gone */
    } finally {
      await client.close();
      wires.delete(client);
    }
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const stopped = new Promise((resolve) => server.close(resolve));
      await Promise.all([...wires].map((wire) => wire.close()));
      await stopped;
    },
  };
}

interface Work extends Between {
  readonly fault: Fault;
  readonly wires: Set<Wire>;
}

/** One request and its answer; whether another may follow. */
async function serve(client: Wire, work: Work): Promise<boolean> {
  const { fault, wires, origin: url } = work;
  const head = await readHead(client);
  if (head === undefined) return false;
  const origin = await dial(url);
  wires.add(origin);
  let left = false;
  const watch = setInterval(() => {
    if (!client.closed() || fault.stays) return;
    left = true;
    void origin.close();
  }, 5);
  try {
    const sent = sendUp(client, origin, { head, work });
    const kept = await sendDown(origin, client, { head, work });
    return await sent && kept && !left;
  } finally {
    clearInterval(watch);
    // A fault that stays keeps its origin until all is over.
    if (!fault.stays) await origin.close();
  }
}

async function sendUp(
  client: Wire,
  origin: Wire,
  { head, work }: { head: Head; work: Work },
): Promise<boolean> {
  const { fault, token, key, origin: url } = work;
  const mend = fault.up ?? ((same: Head) => same);
  const { line, fields } = mend(fault.hops ? head : withoutHops(head));
  const swapped = fields.map((field) =>
    field.startsWith("host: ")
      ? `host: ${new URL(url).host}`
      : field.replace(`Bearer ${token}`, `Bearer ${key}`)
  ).concat(fault.leaks ? [`x-token: ${token}`] : []);
  const begun = { line, fields: swapped };
  const framing = framingOf(head);
  const again = fault.repeats && line.startsWith("POST");
  const gather = again ? (same: Buffer) => same : fault.contentUp;
  const passing = { head, begun, framing, gather, fault };
  if (!again) return await passOn(client, origin, passing);
  const twice: Buffer[] = [];
  const write = (...parts: Uint8Array[]) => {
    twice.push(...parts as Buffer[]);
    return origin.write(...parts);
  };
  const whole = await passOn(client, { ...origin, write } as Wire, passing);
  const second = await dial(url);
  await second.write(...twice);
  await second.some();
  await second.close();
  return whole;
}

async function sendDown(
  origin: Wire,
  client: Wire,
  { head: asked, work }: { head: Head; work: Work },
): Promise<boolean> {
  const { fault } = work;
  const [method = ""] = asked.line.split(" ");
  let head = await readHead(origin);
  while (head && statusOf(head) < 200 && statusOf(head) !== 101) {
    await client.write(message(head.line, head.fields));
    head = await readHead(origin);
  }
  if (head === undefined || !/^HTTP\/1\.\d [1-5]\d\d/.test(head.line)) {
    await client.write(
      message("HTTP/1.1 502 Bad Gateway", [
        "content-length: 0",
        "connection: close",
      ]),
    );
    return false;
  }
  const location = field(head, "location");
  if (fault.follows && location !== undefined) {
    return await follow(location, client, { asked, work });
  }
  const status = statusOf(head);
  if (status === 101) return await join(origin, client, { head, fault });
  const framing = answerFraming(head, { method, status });
  const mend = fault.down ?? ((same: Head) => same);
  const begun = mend(fault.hops ? head : withoutHops(head));
  const gather = fault.contentDown;
  const whole = await passOn(origin, client, {
    head,
    begun,
    framing,
    gather,
    fault,
  });
  if (!whole) await client.close();
  return whole && framing !== "close";
}

async function follow(
  location: string,
  client: Wire,
  { asked, work }: { asked: Head; work: Work },
): Promise<boolean> {
  const { pathname, search, origin } = new URL(location, work.origin);
  if (origin !== new URL(work.origin).origin) return false;
  const next = await dial(work.origin);
  await next.write(
    message(`GET ${pathname}${search} HTTP/1.1`, [
      `host: ${new URL(origin).host}`,
    ]),
  );
  const fault = {};
  const kept = await sendDown(next, client, {
    head: asked,
    work: { ...work, fault },
  });
  await next.close();
  return kept;
}

/** Joins a socket's two ends until either closes. */
async function join(
  origin: Wire,
  client: Wire,
  { head, fault }: { head: Head; fault: Fault },
): Promise<boolean> {
  await client.write(message(head.line, head.fields));
  const pump = async (from: Wire, to: Wire, mend = (same: Buffer) => same) => {
    for (let piece; (piece = await from.some()).length > 0;) {
      await to.write(mend(piece));
    }
    await to.close();
  };
  await Promise.all([pump(client, origin), pump(origin, client, fault.frames)]);
  return false;
}

interface Passing {
  readonly head: Head;
  /** The head as it goes on. */
  readonly begun: Head;
  readonly framing: Framing;
  readonly gather: ((content: Buffer, head: Head) => Buffer) | undefined;
  readonly fault: Fault;
}

/** Hands a message on as it comes; whether it came to its end. */
async function passOn(
  from: Wire,
  to: Wire,
  { head, begun, framing, gather, fault }: Passing,
): Promise<boolean> {
  const fields = begun.fields.filter((field) =>
    !field.startsWith("transfer-encoding:")
  );
  const chunks = framing === "chunked" || framing === "close";
  if (gather && framing !== "none") {
    const pieces: Buffer[] = [];
    const whole = await passContent(from, { head, framing }, (piece) => {
      pieces.push(piece);
    });
    const content = gather(Buffer.concat(pieces), head);
    const others = fields.filter((field) =>
      !field.startsWith("content-length:")
    );
    const length = `content-length: ${content.length}`;
    if (whole) {
      await to.write(message(begun.line, [...others, length], content));
    }
    return whole;
  }
  const bodiless = framing === "none" &&
    field(head, "transfer-encoding") !== undefined;
  const coded = chunks || bodiless ? ["transfer-encoding: chunked"] : [];
  await to.write(message(begun.line, [...fields, ...coded]));
  const whole = await passContent(
    from,
    { head, framing },
    (piece) => to.write(chunks ? chunk(piece) : piece),
  );
  if (chunks && (whole || fault.forges)) await to.write(bytes("0\r\n\r\n"));
  return whole;
}

/** RFC 9110 §7.6.1; the words of a socket's handshake go on. */
function withoutHops({ line, fields }: Head): Head {
  const head = { line, fields };
  const upgrade = /^websocket$/i.test(field(head, "upgrade") ?? "");
  const named = fields.filter((field) => field.startsWith("connection: "))
    .flatMap((field) => field.slice(12).toLowerCase().split(/ *, */));
  const hops = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "upgrade",
  ];
  const kept = upgrade ? ["connection", "upgrade"] : [];
  return {
    line,
    fields: fields.filter((field) => {
      const name = field.slice(0, field.indexOf(":"));
      if (kept.includes(name)) return true;
      return !hops.includes(name) && !named.includes(name);
    }),
  };
}
