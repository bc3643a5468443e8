/** A certificate for 127.0.0.1 that nobody has signed, made when it is needed. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepSecret } from "./evidence.ts";

export interface Certificate {
  /** For a doppel. */
  readonly env: { readonly TLS_CERT: string; readonly TLS_KEY: string };
  /** PEM, for a client. */
  readonly ca: string;
  remove(): void;
}

export function makeCertificate(): Certificate {
  const directory = mkdtempSync(join(tmpdir(), "doppel-tls-"));
  const env = {
    TLS_CERT: join(directory, "cert.pem"),
    TLS_KEY: join(directory, "key.pem"),
  };
  const { status, stderr } = spawnSync("openssl", [
    ...["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=doppel.test"],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-out", env.TLS_CERT, "-keyout", env.TLS_KEY],
  ], { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  keepSecret(readFileSync(env.TLS_KEY, "utf8").split("\n")[1]!);
  return {
    env,
    ca: readFileSync(env.TLS_CERT, "utf8"),
    remove: () => rmSync(directory, { recursive: true }),
  };
}
