/**
 * Serves the owner's page: static, without a cookie, and with a policy that lets
 * it run its own script and speak to its own origin, and nothing else.
 *
 * @module
 */

import built from "./page/built.json" with { type: "json" };

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src '${built.styleHash}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SAFE = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** `/admin` as HTML. */
export function pageDocument(): Response {
  return new Response(built.html, {
    headers: {
      ...SAFE,
      "cache-control": "no-store",
      "content-type": "text/html; charset=utf-8",
    },
  });
}

/** `/admin/page.js`. */
export function pageScript(): Response {
  return new Response(built.script, {
    headers: {
      ...SAFE,
      "cache-control": "no-cache",
      "content-type": "text/javascript; charset=utf-8",
    },
  });
}
