/**
 * Where the owner signs in.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Api, canSign, Failure, signIn } from "./api.ts";
import { Field } from "./ui.tsx";

/** Asks for the admin secret. */
export function Door(
  { onEnter }: { onEnter: (api: Api) => void },
): JSX.Element {
  return canSign ? <Asking onEnter={onEnter} /> : (
    <main class="door card">
      <h1>doppel</h1>
      <p>
        This browser signs only on https, or at 127.0.0.1 and localhost. Put TLS
        in front of doppel, or open the page on its own machine.
      </p>
    </main>
  );
}

function wordsOf(error: unknown): string {
  const wrong = error instanceof Failure && error.status === 401;
  return wrong
    ? "This is not the admin secret of this doppel."
    : (error as Error).message;
}

function Asking({ onEnter }: { onEnter: (api: Api) => void }) {
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(false);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await signIn(secret, keep)
      .then(onEnter, (failure) => setError(wordsOf(failure)));
    setBusy(false);
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
        <label class="wide check">
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
