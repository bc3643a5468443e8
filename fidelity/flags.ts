/** The command's flags. */

import { parseArgs } from "node:util";
import type { Gateway } from "./case.ts";
import { families } from "./families/mod.ts";
import { KEY } from "./subjects.ts";

export interface Flags {
  /** The gateway to be looked at; ours on both runtimes if absent. */
  readonly gateway?: Gateway;
  /** Where the kit is the provider. */
  readonly origin: { readonly host: string; readonly port: number };
  readonly seed: number;
  readonly cases: number;
  /** All families if absent. */
  readonly only?: readonly string[];
  readonly quick: boolean;
  readonly rival: boolean;
  readonly json: boolean;
  readonly write: boolean;
}

export const USAGE = `deno task fidelity
  --base-url URL          the gateway; without it doppel is started on both runtimes
  --provider-origin URL   where the kit is the provider  [http://127.0.0.1:9797]
  --prefix PATH           before every path, such as /openai
  --token TOKEN           what clients send in Authorization: Bearer
  --key KEY               what must reach the provider there  [the token]
  --header 'NAME: VALUE'  told to the gateway with every request; may be repeated
  --own PREFIX            how the names begin of fields the gateway adds for its users
  --only FAMILY,…         of ${Object.keys(families()).join(" ")} fuzz
  --seed N, --cases N     generated traffic  [1, 300]
  --quick                 nothing above 1 MiB
  --rival                 @portkey-ai/gateway beside ours
  --json                  all that was found
  --write                 fidelity/RESULTS.md`;

const TEXT = { type: "string" } as const;
const SWITCH = { type: "boolean", default: false } as const;

/** Throws where a flag is not understood, with its name. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "base-url": TEXT,
      "provider-origin": { ...TEXT, default: "http://127.0.0.1:9797" },
      "prefix": { ...TEXT, default: "" },
      "token": { ...TEXT, default: KEY },
      "key": TEXT,
      "header": { ...TEXT, multiple: true, default: [] as string[] },
      "own": TEXT,
      "only": TEXT,
      "seed": { ...TEXT, default: "1" },
      "cases": { ...TEXT, default: "300" },
      "quick": SWITCH,
      "rival": SWITCH,
      "json": SWITCH,
      "write": SWITCH,
    },
  });
  const base = values["base-url"];
  const only = values.only?.split(",");
  const known = [...Object.keys(families()), "fuzz"];
  const unknown = only?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--only: no family ${unknown}`);
  const { hostname, port, protocol } = url(
    "--provider-origin",
    values["provider-origin"],
  );
  if (protocol !== "http:") throw new Error("--provider-origin: http only");
  const { token, own, header: fields, prefix, quick, rival, json, write } =
    values;
  return {
    ...(base !== undefined && {
      gateway: {
        url: url("--base-url", base).origin,
        prefix: url("--base-url", base).pathname.replace(/\/$/, "") + prefix,
        token,
        key: values.key ?? token,
        fields: fields.map(line),
        ...(own !== undefined && { own: own.toLowerCase() }),
      },
    }),
    origin: { host: hostname, port: Number(port || 80) },
    seed: whole("--seed", values.seed),
    cases: whole("--cases", values.cases),
    ...(only && { only }),
    ...{ quick, rival, json, write },
  };
}

function url(flag: string, value: string): URL {
  const parsed = URL.parse(value);
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new Error(`${flag}: ${value} is no http URL`);
}

function whole(flag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) {
    throw new Error(`${flag}: ${value} is no whole number`);
  }
  return Number(value);
}

function line(field: string): string {
  if (/^[^\s:]+: ?[^\r\n]*$/.test(field)) return field;
  throw new Error(`--header: ${field} is not NAME: VALUE`);
}
