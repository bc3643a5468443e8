/**
 * A token's value, shown this once, with what is to be written where.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Token } from "./tokens.ts";
import { Copy, Dialog, Field } from "./ui.tsx";

/** A token with its value. */
export interface Minted extends Token {
  readonly token: string;
}

/** By what it is for: base URL and token in their places. */
const SNIPPETS: Record<string, (base: string, token: string) => string> = {
  "OpenAI SDK": (base, token) =>
    `new OpenAI({ baseURL: "${base}/v1", apiKey: "${token}" })`,
  "Anthropic SDK": (base, token) =>
    `new Anthropic({ baseURL: "${base}", apiKey: "${token}" })`,
  "Google Gen AI SDK": (base, token) =>
    `new GoogleGenAI({ apiKey: "${token}", httpOptions: { baseUrl: "${base}" } })`,
  "curl": (base, token) =>
    `curl ${base}/v1/models -H "authorization: Bearer ${token}"`,
  "Claude Code": (base, token) =>
    `ANTHROPIC_BASE_URL=${base} ANTHROPIC_AUTH_TOKEN=${token} claude`,
  "Codex": (base, token) =>
    `echo ${token} | codex login --with-api-key\ncodex -c 'openai_base_url="${base}/v1"'`,
  "Gemini CLI": (base, token) =>
    `GOOGLE_GEMINI_BASE_URL=${base} GEMINI_API_KEY=${token} gemini`,
};

/** The dialog. When it is closed nothing of the value is left in the page. */
export function ShownOnce(
  { minted: { token, label }, onClose }: {
    minted: Minted;
    onClose: () => void;
  },
): JSX.Element {
  const [what, setWhat] = useState("OpenAI SDK");
  const snippet = SNIPPETS[what]!(location.origin, token);
  return (
    <Dialog title={`Token for ${label}`} onClose={onClose}>
      <div class="form">
        <p class="wide">Copy it now: doppel keeps its hash alone.</p>
        <div class="token wide">
          <code class="card" data-token>{token}</code>
          <Copy text={token} label="Copy token" />
        </div>
        <div class="wide">
          <Field label="Use it in">
            <select
              value={what}
              onChange={({ currentTarget }) => setWhat(currentTarget.value)}
            >
              {Object.keys(SNIPPETS).map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
        </div>
        <pre class="wide" tabIndex={0}>{snippet}</pre>
        <div class="actions wide">
          <Copy text={snippet} label="Copy snippet" />
          <button type="button" class="main" onClick={onClose}>Done</button>
        </div>
      </div>
    </Dialog>
  );
}
