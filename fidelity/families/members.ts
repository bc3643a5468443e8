/** The least that a request must say, so that what a case is about is all that it is about. */

/** By the path's first segment behind the version. */
const SAID: Readonly<Record<string, string>> = {
  chat: '"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]',
  completions: '"model":"gpt-4o","prompt":"hi"',
  images: '"prompt":"hi","model":"dall-e-3"',
  batches:
    '"input_file_id":"file-1","endpoint":"/v1/embeddings","completion_window":"24h"',
};

/** Of a JSON object, without its braces. */
export function membersFor(target: string): string {
  const [, , kind = ""] = target.split("/");
  return SAID[kind] ?? '"model":"gpt-4o","input":"hi"';
}
