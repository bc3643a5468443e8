/**
 * What is on the machine when doppel starts: certificates, the store, and for
 * the embedded one a directory of its own with an admin secret in it.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Settings } from "./core/settings.ts";
import type { Store } from "./core/store.ts";

/** Certificate and key as PEM; whoever cannot read them does not start, and least of all without TLS. */
export function readTls(
  { tls }: Settings,
): { cert: string; key: string } | undefined {
  if (tls === undefined) return undefined;
  try {
    return {
      cert: readFileSync(tls.cert, "utf8"),
      key: readFileSync(tls.key, "utf8"),
    };
  } catch {
    console.error("doppel cannot start: TLS_CERT or TLS_KEY cannot be read.");
    process.exit(1);
  }
}

/** Upstash where it is configured; else SQLite, with a secret of its own on the first start. */
export async function openStore(settings: Settings): Promise<{
  store: Store;
  place: string;
  adminSecrets: readonly string[];
}> {
  const { upstash, adminSecrets } = settings;
  if (upstash !== undefined) {
    const { upstashStore } = await import("./store/upstash.ts");
    return { store: upstashStore(upstash), place: "Upstash", adminSecrets };
  }
  const directory = resolve(settings.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  process.umask(0o077);
  const { DatabaseSync } = await import("node:sqlite");
  const { sqliteStore } = await import("./store/sqlite.ts");
  return {
    store: sqliteStore(new DatabaseSync(join(directory, "doppel.sqlite"))),
    place: directory,
    adminSecrets: adminSecrets.length > 0
      ? adminSecrets
      : [localSecret(join(directory, "admin_secret"))],
  };
}

/** Made by whichever process is the first to start here. */
function localSecret(file: string): string {
  try {
    const secret = randomBytes(32).toString("base64url");
    writeFileSync(file, secret + "\n", { mode: 0o600, flag: "wx" });
    return secret;
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
    return readFileSync(file, "utf8").trim();
  }
}
