/**
 * What the person at the terminal reads when doppel has started.
 *
 * @module
 */

import type { Settings } from "./settings.ts";
import { settingOf } from "./settings_providers.ts";

/** What the settings do not say. */
export interface StartFacts {
  /** Of this program. */
  readonly version: string;
  /** Where the tokens are. */
  readonly place: string;
  /** Where the admin secret is, if doppel keeps it. */
  readonly secretFile: string | undefined;
  /** The runtime sends fewer requests at a time than it could. */
  readonly throttled: boolean;
}

/** Its lines, no secret in them. */
export function greeting(
  { pools, host, port, tls, egress }: Settings,
  { version, place, secretFile, throttled }: StartFacts,
): string[] {
  const ids = Object.keys(pools);
  const counted = ids.filter((id) => pools[id]!.length > 0);
  const many = (id: string) =>
    pools[id]![0]!.key === "" ? "none needed" : `${pools[id]!.length}`;
  const without = ids.filter((id) => pools[id]!.length === 0);
  const { hop, entranceSecret } = egress;
  const facts: [name: string, fact: string | false | undefined][] = [
    ["base URL", `http${tls ? "s" : ""}://${host}:${port}`],
    ["admin secret", secretFile],
    [
      "keys",
      counted.map((id) => `${id} (${many(id)})`).join(", ") || "none",
    ],
    [
      "without a key",
      without.length > 0 &&
      `${without.join(", ")} (set ${settingOf(without[0]!)}_API_KEY${
        without.length > 1 ? ", …" : ""
      })`,
    ],
    ["hop", hop?.url ?? (entranceSecret !== undefined && "this is one")],
    [
      "mint a token",
      `deno task doppel token create --label me --providers ${
        counted[0] ?? "openai"
      }`,
    ],
    [
      "warning",
      throttled &&
      "Bun sends 256 requests at a time: set BUN_CONFIG_MAX_HTTP_REQUESTS=65336",
    ],
  ];
  return [
    `doppel ${version}, tokens in ${place}`,
    ...facts.filter(([, fact]) => fact)
      .map(([name, fact]) => `  ${name.padEnd(13)}  ${fact}`),
  ];
}
