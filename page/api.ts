/**
 * The admin API as the page calls it: each call signed (RFC 9421) with a key
 * that WebCrypto keeps and does not give back.
 *
 * @module
 */

/** A call that came to nothing: a problem (RFC 9457), or nobody answered (status 0). */
export class Failure extends Error {
  constructor(
    readonly status: number,
    title: string,
    /** JSON Pointer of what was wrong. */
    readonly field?: string,
  ) {
    super(title);
  }
}

/** Calls that are signed. Both throw a {@linkcode Failure}. */
export interface Api {
  get<Answer>(path: string): Promise<Answer>;
  send<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The answer as it comes, in the form that is accepted. */
  text(path: string, accept: string): Promise<string>;
}

/** Whether this browser lets a page sign here: only on https, or on this machine. */
export const canSign = globalThis.crypto?.subtle !== undefined;

/** Tries a secret; with `keep` this device remembers the key, not the secret. */
export async function signIn(secret: string, keep: boolean): Promise<Api> {
  const bytes = new TextEncoder().encode(secret.trim());
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, hmac, false, [
    "sign",
  ]);
  const api = apiWith(key);
  await api.get("/admin/pause");
  if (keep) await stored("readwrite", (keys) => keys.put(key, NAME));
  return api;
}

/** With the key that this device has kept; `undefined` where there is none, or it is no good any more. */
export async function remembered(): Promise<Api | undefined> {
  const key = await stored("readonly", (keys) => keys.get(NAME))
    .catch(() => undefined) as CryptoKey | undefined;
  return key && apiWith(key);
}

/** Nothing is left on this device. */
export async function forget(): Promise<void> {
  await stored("readwrite", (keys) => keys.delete(NAME)).catch(() => {});
}

const NAME = "admin";

function stored(
  mode: IDBTransactionMode,
  act: (keys: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("doppel", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const asked = act(database.transaction("keys", mode).objectStore("keys"));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
      asked.transaction!.oncomplete = () => database.close();
    };
  });
}

/** Seconds that doppel's clock is ahead of this one. */
let ahead = 0;

function apiWith(key: CryptoKey): Api {
  const call = async (
    method: string,
    path: string,
    { body, accept = "application/json" }: {
      body?: unknown;
      accept?: string;
    } = {},
  ): Promise<Response> => {
    const content = body === undefined ? "" : JSON.stringify(body);
    const once = async () => {
      const fields = await signed(key, { method, path, content });
      return await fetch(path, {
        method,
        headers: { ...fields, accept },
        ...content && { body: content },
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
      }).catch(() => {
        throw new Failure(0, "doppel does not answer. Nothing was lost.");
      });
    };
    const answer = await once();
    if (answer.ok) return answer;
    const failure = await failureOf(answer);
    const clock = /within \d+ seconds of (\d+)/.exec(failure.message)?.[1];
    if (answer.status !== 401 || clock === undefined) throw failure;
    ahead = Number(clock) - Math.floor(Date.now() / 1000);
    const again = await once();
    if (again.ok) return again;
    throw await failureOf(again);
  };
  const json = async (answer: Response) =>
    answer.status === 204 ? undefined : await answer.json();
  return {
    get: async (path) => await json(await call("GET", path)),
    send: async (method, path, body) =>
      await json(await call(method, path, { body })),
    text: async (path, accept) =>
      await (await call("GET", path, { accept })).text(),
  };
}

async function failureOf(answer: Response): Promise<Failure> {
  const problem = await answer.json().catch(() => ({}));
  const title = problem.title ?? `doppel answered ${answer.status}.`;

  return new Failure(answer.status, title, problem.field);
}

/** The narrow profile of doppel's signatures (core/signature.ts), in the browser. */
async function signed(
  key: CryptoKey,
  { method, path, content }: { method: string; path: string; content: string },
): Promise<Record<string, string>> {
  const [plain = ""] = path.split("?");
  const query = path.slice(plain.length) || "?";
  const bytes = new TextEncoder().encode(content);
  const digest = content === ""
    ? undefined
    : `sha-256=:${base64(await crypto.subtle.digest("SHA-256", bytes))}:`;
  const values: [string, string][] = [
    ["@method", method],
    ["@authority", location.host],
    ["@path", plain],
    ["@query", query],
    ...digest ? [["content-digest", digest] as [string, string]] : [],
  ];
  const covered = values.map(([name]) => `"${name}"`).join(" ");
  const created = Math.floor(Date.now() / 1000) + ahead;
  const nonce = base64(crypto.getRandomValues(new Uint8Array(18)).buffer)
    .replaceAll("+", "-").replaceAll("/", "_");
  const parameters = `(${covered});created=${created};nonce="${nonce}"` +
    `;keyid="admin";alg="hmac-sha256";tag="doppel-admin"`;
  const base = [
    ...values.map(([name, value]) => `"${name}": ${value}`),
    `"@signature-params": ${parameters}`,
  ].join("\n");
  const mac = await crypto.subtle.sign(
    "HMAC",
    key,
    new TextEncoder().encode(base),
  );
  return {
    ...digest && {
      "content-digest": digest,
      "content-type": "application/json",
    },
    "signature-input": `doppel=${parameters}`,
    "signature": `doppel=:${base64(mac)}:`,
  };
}

function base64(buffer: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}
