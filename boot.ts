/**
 * What is on the machine when doppel starts: certificates, the store, and for
 * the embedded one a directory of its own with the secrets in it.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { createSeal, type Seal } from "./core/seal.ts";
import type { Settings } from "./core/settings.ts";
import { SHORTEST_SECRET } from "./core/signature.ts";
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

/** What is there when a store is open. */
export interface Opened {
  /** Tokens, and all that belongs to them. */
  readonly store: Store;
  /** Where that is, for people. */
  readonly place: string;
  /** Secrets that sign admin calls, newest first. */
  readonly adminSecrets: readonly string[];
  /** The file of the local one, where that is the secret. */
  readonly secretFile?: string;
  /** Seals the keys that the store keeps. */
  readonly seal: Seal;
}

/** Upstash where it is configured; else SQLite, with secrets of its own on the first start. */
export async function openStore(settings: Settings): Promise<Opened> {
  const { upstash, adminSecrets, seal } = settings;
  if (upstash !== undefined) {
    const { upstashStore } = await import("./store/upstash.ts");
    const store = upstashStore(upstash);
    return { store, place: "Upstash", adminSecrets, seal: createSeal(seal) };
  }
  const directory = resolve(settings.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  process.umask(0o077);
  const { DatabaseSync } = await import("node:sqlite");
  const { sqliteStore } = await import("./store/sqlite.ts");
  const store = sqliteStore(new DatabaseSync(join(directory, "doppel.sqlite")));
  const present = seal.present ?? localSecret(join(directory, "seal_secret"));
  const opened = {
    store,
    place: directory,
    seal: createSeal({ ...seal, present }),
  };
  if (adminSecrets.length > 0) return { ...opened, adminSecrets };
  const secretFile = join(directory, "admin_secret");
  return { ...opened, adminSecrets: [localSecret(secretFile)], secretFile };
}

/** Made by whichever process is the first to start here; under its name it is whole from the first moment. */
function localSecret(file: string): string {
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    const made = randomBytes(32).toString("base64url");
    writeFileSync(draft, made + "\n", { mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
    unlinkSync(draft);
  }
  const secret = readFileSync(file, "utf8").trim();
  if (secret.length >= SHORTEST_SECRET) return secret;
  console.error(
    `doppel cannot start: ${file} holds no secret of ${SHORTEST_SECRET} characters.`,
  );
  process.exit(1);
}
