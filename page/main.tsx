/**
 * The owner's page: who signs in, and which view is shown.
 *
 * @module
 */

import { type JSX, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Api, canSign, forget, remembered } from "./api.ts";
import { Door } from "./door.tsx";
import { Notices } from "./ui.tsx";
import { Audit } from "./views/audit.tsx";
import { Keys } from "./views/keys.tsx";
import { Live } from "./views/live.tsx";
import { Providers } from "./views/providers.tsx";
import { Settings } from "./views/settings.tsx";
import { Tokens } from "./views/tokens.tsx";
import { Usage } from "./views/usage.tsx";

/** By the part of the address behind `#/`. */
const VIEWS: Record<string, (props: { api: Api }) => JSX.Element> = {
  tokens: Tokens,
  usage: Usage,
  live: Live,
  keys: Keys,
  providers: Providers,
  audit: Audit,
  settings: Settings,
};

const at = () => location.hash.replace(/^#\/?/, "") || "tokens";

function Shell({ api, onLeave }: { api: Api; onLeave: () => void }) {
  const [name, setName] = useState(at());
  useEffect(() => {
    const go = () => setName(at());
    addEventListener("hashchange", go);
    return () => removeEventListener("hashchange", go);
  }, []);
  const known = name in VIEWS ? name : "tokens";
  const View = VIEWS[known]!;
  useEffect(() => void (document.title = `${titled(known)} · doppel`), [known]);
  return (
    <div class="shell">
      <header class="top">
        <h1>doppel</h1>
        <nav aria-label="Views">
          {Object.keys(VIEWS).map((one) => (
            <a
              key={one}
              href={`#/${one}`}
              aria-current={one === known ? "page" : undefined}
            >
              {titled(one)}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet" onClick={onLeave}>Sign out</button>
      </header>
      <main>
        <View key={known} api={api} />
      </main>
    </div>
  );
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function Page() {
  const [api, setApi] = useState<Api>();
  const [asked, setAsked] = useState(!canSign);
  useEffect(() => {
    if (asked) return;
    remembered().then((kept) => {
      setApi(() => kept);
      setAsked(true);
    });
  }, []);
  const leave = async () => {
    await forget();
    setApi(undefined);
  };
  return (
    <>
      {!asked
        ? null
        : api
        ? <Shell api={api} onLeave={leave} />
        : <Door onEnter={(entered) => setApi(() => entered)} />}
      <Notices />
    </>
  );
}

render(<Page />, document.body);
