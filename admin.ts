/**
 * The admin API: JSON over the store, each call signed (design §7).
 *
 * @module
 */

import type { Context } from "hono";
import { Hono } from "hono/tiny";
import * as v from "valibot";
import { OPERATIONS } from "./admin/operations.ts";
import type { Operation } from "./admin/row.ts";
import {
  type ConfiguredProvider,
  createTurns,
  type InTurn,
  Problem,
} from "./admin/work.ts";
import type { Credential } from "./core/credential.ts";
import type { Egress } from "./core/egress.ts";
import type { Keyring } from "./core/keyring.ts";
import { problemResponse } from "./core/problem.ts";
import type { Retention } from "./core/ledger.ts";
import type { Seal } from "./core/seal.ts";
import {
  digestFits,
  type Signer,
  UNVERIFIED,
  verify,
} from "./core/signature.ts";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { authorityOf, pathOf, readTarget } from "./core/target.ts";
import { isRefusal } from "./core/refusal.ts";
import type { Regions } from "./core/region.ts";
import { createThrottle } from "./core/throttle.ts";
import type { Running } from "./core/running.ts";

/** All that the admin API reaches outside itself. */
export interface AdminDeps {
  /** The store. */
  readonly store: Store;
  /** What is configured. */
  readonly configured: readonly ConfiguredProvider[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Secrets that verify, newest first. */
  readonly adminSecrets: readonly string[];
  /** Seconds a signature's clock may be off. */
  readonly adminWindow: number;
  /** The environment's own credentials by provider id. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** Seals the keys that are to be kept. */
  readonly seal: Seal;
  /** The rows that requests go by. */
  readonly keyring: Pick<Keyring, "at">;
  /** The way that requests go. */
  readonly egress: Egress;
  /** What is known of the ways, where there is a hop. */
  readonly regions?: Regions | undefined;
  /** What is under way here. */
  readonly running: Pick<Running, "shown" | "find" | "end">;
  /** Lets work outlive the answer; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** Base URL that clients use, where it is not what `Host` says. */
  readonly publicUrl?: string | undefined;
  /** What is kept of usage. */
  readonly keep: Retention;
  /** Of this program. */
  readonly version: string;
}

/** Largest body of an admin call, bytes: an import of 1,000 tokens fits. */
const LARGEST = 8_388_608;

/** What authentication leaves for an operation: who signed, and the content that was signed. */
interface Signed {
  readonly signer: Signer;
  readonly content: Uint8Array;
}

/** What the runtime tells about a call. */
interface Bindings {
  /** The client's IP address, where it is known. */
  readonly address?: (request: Request) => string | undefined;
}

type Env = { Variables: Signed; Bindings: Bindings };

/** The sub-app, whose paths begin with `/admin`. */
export function admin(deps: AdminDeps): Hono<Env> {
  const app = new Hono<Env>({ getPath: (request) => pathOf(request.url) });
  const throttle = createThrottle(deps.now);
  // Before every route, so that none can forget it, and before a path is said to be unknown.
  app.use(async (c, next) => {
    const address = c.env?.address?.(c.req.raw);
    const wait = throttle.wait(address);
    if (wait > 0) return tooMany(wait);
    const { signer, content } = await authenticate(c.req.raw, {
      ...deps,
      wrong: () => throttle.wrong(address),
    });
    c.set("signer", signer);
    c.set("content", content);
    await next();
  });
  const inTurn = createTurns();
  for (const row of OPERATIONS) {
    const [method, path] = row.route.split(" ") as [string, string];
    app.on(method, path, (c) => perform(row, c, { ...deps, inTurn }));
  }
  app.get("/admin/openapi.json", async (c) => {
    // Made of the whole table, and seldom asked for.
    const { openapi } = await import("./admin/openapi.ts");
    return c.json(openapi(OPERATIONS, deps.version));
  });
  app.notFound(() => {
    throw new Problem(404, "The admin API has no such path.");
  });
  app.onError((error) => {
    if (error instanceof Problem) return problem(error);
    if (!(error instanceof StoreUnavailable)) throw error;
    return problem(new Problem(503, "The store did not answer."));
  });
  return app;
}

/** Nothing else is done before the signature verified, not even reading. */
async function authenticate(
  request: Request,
  { store, now, adminSecrets, adminWindow, publicUrl, wrong }: AdminDeps & {
    readonly wrong: () => void;
  },
): Promise<Signed> {
  const target = readTarget(request.url);
  if (isRefusal(target)) throw new Problem(400, "The path is malformed.");
  const { method, headers } = request;
  const length = Number(headers.get("content-length") ?? 0);
  if (headers.has("transfer-encoding") || !(length <= LARGEST)) {
    throw new Problem(413, `A body has a length, ${LARGEST} bytes at most.`);
  }
  const authority = authorityOf(request, publicUrl);
  const signer = verify(
    { method, authority, ...target },
    headers,
    {
      secrets: adminSecrets,
      keyid: "admin",
      tag: "doppel-admin",
      fields: length > 0 ? ["content-digest"] : [],
      now: Math.floor(now() / 1000),
      window: adminWindow,
    },
  );
  if (signer === UNVERIFIED) wrong();
  if (typeof signer === "string") throw new Problem(401, signer);
  const content = length > 0 ? await request.bytes() : new Uint8Array();
  if (length > 0 && !digestFits(content, headers)) {
    throw new Problem(401, "content-digest does not fit the content.");
  }
  if (!await store.takeNonce(signer.nonce, signer.expires)) {
    throw new Problem(401, "This nonce was used before.");
  }
  return { signer, content };
}

async function perform(
  { query, body, status, run, csv }: Operation,
  c: Context<Env>,
  deps: AdminDeps & { inTurn: InTurn },
): Promise<Response> {
  const { signer, content } = c.var;
  if (body === undefined && content.length > 0) {
    throw new Problem(400, "This call takes no body.");
  }
  const { store, configured, pools, seal, keyring, egress } = deps;
  const { inTurn, keep, now, running, defer, regions } = deps;
  const work = {
    store,
    providers: configured,
    pools,
    seal,
    keyring,
    egress,
    regions,
    clock: now,
    running,
    defer,
    inTurn,
    keep,
    now: Math.floor(now() / 1000),
    by: signer.keyid,
    id: Object.values(c.req.param()).join(),
    query: checked(query, singular(c.req.queries()), "query"),
    body: body && checked(body, parseJson(content)),
  };
  if (csv && /\btext\/csv\b/i.test(c.req.header("accept") ?? "")) {
    const type = { "content-type": "text/csv; charset=utf-8; header=present" };
    return new Response(await csv(work), { headers: { ...SAFE, ...type } });
  }
  const result = await run(work);
  return status === 204
    ? new Response(null, { status, headers: SAFE })
    : Response.json(result, { status, headers: SAFE });
}

const SAFE = {
  "cache-control": "private, no-store",
  "x-content-type-options": "nosniff",
};

/** A parameter sent twice stays a list, which no schema takes. */
function singular(queries: Record<string, string[]>) {
  return Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [
      name,
      values.length === 1 ? values[0] : values,
    ]),
  );
}

function parseJson(content: Uint8Array): unknown {
  if (content.length === 0) return {};
  try {
    return JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(content),
    );
  } catch {
    throw new Problem(400, "The body is not JSON.");
  }
}

/** The value a schema makes of `input`, or a problem that names the first wrong field. */
function checked(schema: v.GenericSchema, input: unknown, ...root: string[]) {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => `${key}`) ?? [];
  const title = `${path.join(".") || "body"} ${said(issue)}.`;
  throw new Problem(400, title, "/" + [...root, ...path].join("/"));
}

/** Valibot's own messages quote what was received, which may be a token. */
function said({ type, kind, message, expected }: v.BaseIssue<unknown>) {
  if (type === "strict_object") {
    return expected === "never" ? "is not known" : "is required";
  }
  if (expected !== null && /^(?:Invalid )/.test(message)) {
    return kind === "schema" ? `must be ${expected}` : `must fit ${expected}`;
  }
  return message;
}

function tooMany(seconds: number): Response {
  const title =
    `Too many signatures from here did not verify: wait ${seconds} seconds.`;
  return problemResponse({ status: 429, title }, {
    "retry-after": `${seconds}`,
  });
}

function problem({ message: title, status, field }: Problem): Response {
  return problemResponse({ title, status, field });
}
