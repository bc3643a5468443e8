/** Debian's nginx, as the origin of JSON and as the proxy that nothing here can outrun. */

import { mkdirSync, writeFileSync } from "node:fs";
import { freePort } from "../test/subject.ts";
import { run, type Running } from "./process.ts";
import { ANSWER } from "./shapes.ts";

export interface Nginx extends Running {
  readonly url: string;
}

/** 1 KB of JSON to everything. */
export function startNginxOrigin(folder: string, core: number): Promise<Nginx> {
  return start({ folder, core }, (port) => `
    server {
      listen 127.0.0.1:${port} backlog=4096;
      client_max_body_size 0;
      location / { default_type application/json; return 200 '${ANSWER}'; }
    }`);
}

/** `proxy_pass` on kept connections, nothing buffered, with the key in place of what came. */
export function startNginxProxy(
  { folder, core }: { readonly folder: string; readonly core: number },
  { origin, key }: { readonly origin: string; readonly key: string },
): Promise<Nginx> {
  return start({ folder, core }, (port) => `
    upstream origin { server ${new URL(origin).host}; keepalive 1024; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      client_max_body_size 0;
      location / {
        proxy_pass http://origin;
        proxy_http_version 1.1;
        proxy_set_header connection "";
        proxy_set_header authorization "Bearer ${key}";
        proxy_buffering off;
        proxy_request_buffering off;
      }
    }`);
}

async function start(
  { folder, core }: { readonly folder: string; readonly core: number },
  server: (port: number) => string,
): Promise<Nginx> {
  const port = await freePort();
  const own = `${folder}/nginx-${port}`;
  mkdirSync(own, { recursive: true });
  const conf = `${own}/nginx.conf`;
  // One process, so that what is measured of it is all of it.
  writeFileSync(
    conf,
    `
    daemon off; master_process off; pid ${own}/pid; error_log ${own}/error;
    worker_rlimit_nofile 8192;
    events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
      client_body_temp_path ${own}; proxy_temp_path ${own};
      fastcgi_temp_path ${own}; uwsgi_temp_path ${own}; scgi_temp_path ${own};
      ${server(port)}
    }`,
  );
  const running = run({ command: ["nginx", "-c", conf], core });
  return { ...running, url: `http://127.0.0.1:${port}` };
}
