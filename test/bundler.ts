/**
 * What `bundle.ts` has Bun run. Of npm's `ws` only the client is taken along:
 * doppel accepts sockets by the runtimes' own means, and never compresses.
 */

import process from "node:process";

interface Bundler {
  onResolve(
    on: { filter: RegExp },
    to: (asked: { path: string }) => { path: string; external?: true },
  ): void;
  onLoad(
    on: { filter: RegExp },
    to: () => { contents: string; loader: "js" },
  ): void;
}
declare const Bun: {
  build(options: Record<string, unknown>): Promise<{ success: boolean }>;
};

const { success } = await Bun.build({
  entrypoints: ["main.ts"],
  target: "node",
  minify: true,
  outdir: "dist",
  splitting: true,
  naming: { entry: "doppel.js", chunk: "[name]-[hash].js" },
  plugins: [{
    name: "tables of prices stay beside the program",
    setup(bundler: Bundler) {
      const tables = /^\.\/(?:own|catalog)\.json$/;
      bundler.onResolve({ filter: tables }, ({ path }) => (
        { path, external: true }
      ));
    },
  }, {
    name: "ws, the client alone",
    setup(bundler: Bundler) {
      const path = `${process.cwd()}/node_modules/ws/lib/websocket.js`;
      bundler.onResolve({ filter: /^ws$/ }, () => ({ path }));
      bundler.onLoad({ filter: /ws\/lib\/permessage-deflate\.js$/ }, () => ({
        contents: 'module.exports={extensionName:"permessage-deflate"}',
        loader: "js",
      }));
    },
  }],
});
process.exit(success ? 0 : 1);
