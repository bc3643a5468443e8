/** Whoever is measured: a row each. */

import process from "node:process";
import { bunPath, freePort, type Runtime } from "../test/subject.ts";
import { doppelRow, type Kind } from "./doppel.ts";
import { startNginxProxy } from "./nginx.ts";
import { run, SUBJECT_CORE } from "./process.ts";
import { rivalHeaders, startRival } from "./rival.ts";
import { bearer, BUN_ENV, KEY, root, type Row, TITLES } from "./row.ts";

const RUNTIMES: readonly Runtime[] = ["bun", "deno"];

const direct: Row = {
  id: "direct",
  title: "direct",
  about: "No proxy: what load and origin reach by themselves.",
  start: ({ origin }) => Promise.resolve({ url: origin, headers: bearer(KEY) }),
};

const nginx: Row = {
  id: "nginx",
  title: "nginx",
  about:
    "`proxy_pass` on kept connections, `authorization` replaced, nothing buffered, one process: the physical reference.",
  async start({ folder, origin }) {
    const proxy = await startNginxProxy(
      { folder, core: SUBJECT_CORE },
      { origin, key: KEY },
    );
    return { url: proxy.url, headers: bearer("x"), running: proxy };
  },
};

const rival: Row = {
  id: "rival",
  title: "@portkey-ai/gateway",
  about:
    "On Node, `--headless`, `NODE_ENV=production`, with the packages of `bench/rival/package-lock.json`; warmed for 5 s, since it takes that long to be as fast as it is.",
  warm: 5,
  async start({ origin }) {
    const { url, ...started } = await startRival({ core: SUBJECT_CORE });
    const headers = { ...bearer(KEY), ...rivalHeaders(origin) };
    return { url, headers, running: started };
  },
};

/** In the order of the first round. */
export function rowsOf({ against }: { readonly against?: string }): Row[] {
  const kinds: Kind[] = [
    { store: "SQLite" as const },
    { store: "Redis" as const },
    { store: "SQLite" as const, variant: "limits" as const },
    { store: "SQLite" as const, variant: "unmetered" as const },
  ].flatMap((kind) => RUNTIMES.map((runtime) => ({ runtime, ...kind })));
  return [
    direct,
    nginx,
    ...RUNTIMES.map(bareRow),
    // One beside the other, so that both have the same minute.
    ...kinds.flatMap((kind) => [
      doppelRow(kind),
      ...against === undefined ? [] : [doppelRow(kind, against)],
    ]),
    rival,
  ];
}

function bareRow(runtime: Runtime): Row {
  return {
    id: `bare-${runtime}`,
    title: `bare ${TITLES[runtime]}`,
    about: runtime === "deno"
      ? "`bench/bare.ts` by `deno serve --no-config`: no flags but `-A`."
      : "`bench/bare.ts` by `bun run`, with `BUN_CONFIG_MAX_HTTP_REQUESTS=65336` as doppel has it.",
    async start({ origin }) {
      const port = await freePort();
      const file = `${root}bench/bare.ts`;
      const flags = ["--no-config", "-A", "--host=127.0.0.1", `--port=${port}`];
      const running = run({
        core: SUBJECT_CORE,
        command: runtime === "deno"
          ? [process.execPath, "serve", "-q", ...flags, file]
          : [bunPath(), "run", file],
        env: { PORT: `${port}`, ORIGIN: origin, KEY, ...BUN_ENV },
      });
      return { url: `http://127.0.0.1:${port}`, headers: bearer("x"), running };
    },
  };
}
