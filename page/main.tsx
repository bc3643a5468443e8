/**
 * The owner's page: who signs in, and which view is shown.
 *
 * @module
 */

import { type JSX, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  type Api,
  canSign,
  Failure,
  forget,
  remembered,
  signIn,
} from "./api.ts";
import { Field, Notices } from "./ui.tsx";
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

function Door({ onEnter }: { onEnter: (api: Api) => void }) {
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(false);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  if (!canSign) {
    return (
      <main class="door card">
        <h1>doppel</h1>
        <p>
          This browser signs only on https, or at 127.0.0.1 and localhost. Put
          TLS in front of doppel, or open the page on its own machine.
        </p>
      </main>
    );
  }
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      onEnter(await signIn(secret, keep));
    } catch (failure) {
      const wrong = failure instanceof Failure && failure.status === 401;
      setError(
        wrong
          ? "This is not the admin secret of this doppel."
          : (failure as Error).message,
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="door">
      <form class="card form" onSubmit={enter}>
        <h1 class="wide">doppel</h1>
        <div class="wide">
          <Field
            label="Admin secret"
            hint="Locally it is in .doppel/admin_secret."
            error={error}
          >
            <input
              type="password"
              autocomplete="off"
              value={secret}
              autofocus
              onInput={({ currentTarget }) => setSecret(currentTarget.value)}
            />
          </Field>
        </div>
        <label class="wide">
          <input
            type="checkbox"
            checked={keep}
            onChange={({ currentTarget }) => setKeep(currentTarget.checked)}
          />{" "}
          Remember on this device, as a key that cannot be read
        </label>
        <div class="wide">
          <button
            type="submit"
            class="main"
            disabled={busy || secret.trim() === ""}
          >
            Sign in
          </button>
        </div>
      </form>
    </main>
  );
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
