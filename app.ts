/**
 * The door: who is let in where. Behind it are the admin API and `handle()`,
 * which know nothing of Hono.
 *
 * @module
 */

import { Hono } from "hono/tiny";
import type { AdminDeps } from "./admin.ts";
import type { Metrics } from "./core/metrics.ts";
import { sameSecret } from "./core/signature.ts";
import { ENTRANCE, pathOf } from "./core/target.ts";
import { openTiming } from "./core/timing.ts";
import type { Entrance, EntranceDeps } from "./entrance.ts";
import { type Deps, handle } from "./routes.ts";

/** What the runtime tells about a request. */
export interface Bindings {
  /** The client's IP address, where it is known. */
  readonly address?: (request: Request) => string | undefined;
}

/** Everything the app needs; with an `entrance` it is a hop, too. */
export type AppDeps = Deps & AdminDeps & EntranceDeps & {
  readonly entrance?: Entrance | undefined;
  /** What is counted, and the token that opens it; without one it is not there. */
  readonly metrics: Metrics;
  /** See `metrics`. */
  readonly metricsToken?: string | undefined;
};

/** A host and a port (RFC 9110 §7.2) and nothing else: on Deno the field becomes a part of `request.url`, and could bring a path with it. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** What is doppel's own, and no API's; all else takes the straight line, and costs no router. */
const OWN = /^\/(?:admin|api\/hello|healthz|hop|metrics|readyz)(?:\/|$)/;

/** The whole of doppel as a `fetch`. */
export function doppel(deps: AppDeps): Hono<{ Bindings: Bindings }> {
  const app = ownRoutes(deps);
  const { fetch: route } = app;
  app.fetch = (request, bindings, ...more) => {
    const host = request.headers.get("host");
    if (host !== null && !HOST.test(host)) {
      return new Response("Bad Host.", { status: 400 });
    }
    const own = request.method === "OPTIONS" || OWN.test(pathOf(request.url));
    return own
      ? route(request, bindings, ...more)
      : forwarded(request, bindings as Bindings | undefined, deps);
  };
  return app;
}

/** A request for an API. */
async function forwarded(
  request: Request,
  bindings: Bindings | undefined,
  deps: AppDeps,
): Promise<Response> {
  try {
    const address = () => bindings?.address?.(request);
    const timing = openTiming(request.headers, deps, () => performance.now());
    const answer = await handle(request, timing?.deps ?? deps, address);
    // No page of scripts reads a 101, and its fields are the runtime's.
    if (answer.status !== 101) timing?.tell(answer.headers);
    const sent = withCors(request, answer);
    return request.method === "HEAD" ? new Response(null, sent) : sent;
  } catch (error) {
    return internalError(error, deps);
  }
}

/** A bug: what it was is nobody's but the owner's. */
function internalError(error: unknown, { fault }: AppDeps): Response {
  fault("request", error);
  return Response.json({ error: { message: "Internal error" } }, {
    status: 500,
    headers: { "x-should-retry": "false" },
  });
}

function ownRoutes(deps: AppDeps): Hono<{ Bindings: Bindings }> {
  // One parse for routing and forwarding: Hono reads the path as handle() does.
  const app = new Hono<{ Bindings: Bindings }>({
    getPath: (request) => pathOf(request.url),
  });
  const administer = openAdmin(deps);
  openEntrance(app, deps);
  app.get("/healthz", (c) => c.json({ ok: true, version: deps.version }));
  app.get("/readyz", async (c) => {
    const ready = await deps.store.ready().then(() => true, () => false);
    return c.json({ ok: ready }, ready ? 200 : 503);
  });
  app.get("/metrics", (c) => showMetrics(c.req.raw, deps));
  // Claude Code asks this before it has a key (research/sdks.md §2.2).
  app.get(
    "/api/hello",
    (c, next) => c.req.raw.method === "HEAD" ? c.body(null) : next(),
  );
  app.get("/admin", async (c, next) => {
    if (!/\btext\/html\b/.test(c.req.header("accept") ?? "")) return next();
    return (await import("./page.ts")).pageDocument();
  });
  app.get(
    "/admin/page.js",
    async () => (await import("./page.ts")).pageScript(),
  );
  app.all("/admin", (c) => administer(c.req.raw, c.env));
  app.all("/admin/*", (c) => administer(c.req.raw, c.env));
  app.options("*", (c) => preflight(c.req.raw));
  app.all("*", (c) => forwarded(c.req.raw, c.env, deps));
  app.onError((error) => internalError(error, deps));
  return app;
}

/** The admin API, loaded with its first call: most of what runs never hears one. */
function openAdmin(deps: AdminDeps) {
  let api: Promise<ReturnType<typeof import("./admin.ts").admin>>;
  return async (call: Request, bindings: Bindings): Promise<Response> => {
    api ??= import("./admin.ts").then(({ admin }) => admin(deps));
    return (await api).fetch(call, bindings);
  };
}

/** On a hop, and loaded there alone: the entrance, and `/healthz?probe=openai`, which says whether the API serves its region. */
function openEntrance(app: Hono<{ Bindings: Bindings }>, deps: AppDeps) {
  const { entrance, version } = deps;
  if (entrance === undefined) return;
  const loaded = import("./entrance.ts").then(({ createProbe, enter }) => ({
    probe: createProbe(entrance, deps),
    enter: (request: Request) => enter(request, entrance, deps),
  }));
  app.all(`${ENTRANCE}*`, async (c) => (await loaded).enter(c.req.raw));
  app.get("/healthz", async (c, next) => {
    const provider = c.req.query("probe");
    if (provider === undefined) return await next();
    const region = await (await loaded).probe(provider);
    const ok = region === "served";
    return region === undefined
      ? c.text("No such provider.", 404)
      : c.json({ ok, version, provider, region }, ok ? 200 : 503);
  });
}

const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

async function showMetrics(
  { headers }: Request,
  { metrics, metricsToken, running }: AppDeps,
): Promise<Response> {
  if (metricsToken === undefined) {
    return new Response("Not found: METRICS_TOKEN is not set.\n", {
      status: 404,
    });
  }
  const [, token = ""] =
    /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  return sameSecret(token, metricsToken)
    ? new Response(await metrics.text(running.size), {
      headers: { "content-type": PROMETHEUS, "cache-control": "no-store" },
    })
    : new Response("This is not METRICS_TOKEN.\n", {
      status: 401,
      headers: { "www-authenticate": "Bearer" },
    });
}

/** Fields of an answer that scripts in a page may read; the first three carry Gemini's resumable upload. */
const EXPOSED = [
  "x-goog-upload-url",
  "x-goog-upload-status",
  "x-goog-upload-chunk-granularity",
  "x-request-id",
  "request-id",
  "retry-after",
];

/** A preflight carries no credential, so it is answered before any is looked for. */
function preflight(request: Request): Response {
  const asked = request.headers.get("access-control-request-headers");
  const headers = new Headers({
    "access-control-allow-methods":
      "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": asked ?? "*",
    "access-control-max-age": "86400",
  });
  return withCors(request, new Response(null, { status: 204, headers }));
}

/** Lets any page read the answer: what a token may do, it may do from anywhere, and there are no cookies. */
function withCors(request: Request, response: Response): Response {
  const origin = request.headers.get("origin");
  // No page needs leave to open a socket, and a 101 is not for its scripts.
  if (origin === null || response.status === 101) return response;
  const { headers } = response;
  headers.set("access-control-allow-origin", origin);
  const own = [...headers.keys()].filter((name) =>
    name.startsWith("x-doppel-")
  );
  const exposed = [...EXPOSED, ...own].join(", ");
  headers.set("access-control-expose-headers", exposed);
  headers.delete("access-control-allow-credentials");
  headers.append("vary", "Origin");
  return response;
}
