/** The content that all subjects carry: OpenAI's, since the rival drops what it does not know. */

/** Of an answer and of a question, bytes. */
export const CONTENT = 1024;

/** What the two upload and download, bytes. */
export const LARGE = 64 * 1024 * 1024;

export const PATH = "/v1/chat/completions";
export const UPLOAD = "/v1/files";
export const DOWNLOAD = "/v1/files/file-1/content";

const usage = { prompt_tokens: 230, completion_tokens: 190, total_tokens: 420 };

/** 1 KB of JSON. */
export const ANSWER = padded((content) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o-mini",
  choices: [{
    index: 0,
    message: { role: "assistant", content },
    finish_reason: "stop",
  }],
  usage,
}));

/** 1 KB of JSON; what it may cost is known, so that a token with a budget may ask it. */
export const QUESTION = padded((content) => ({
  model: "gpt-4o-mini",
  max_completion_tokens: 200,
  messages: [{ role: "user", content }],
}));

/** The same, for a stream. */
export const STREAM = JSON.stringify({
  model: "gpt-4o-mini",
  max_completion_tokens: 200,
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: "user", content: "Tell me." }],
});

/** An event of a stream; `content` is when it was sent. */
export function deltaOf(content: string): string {
  return event({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-4o-mini",
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  });
}

/** The first event. */
export const ROLE = event({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-4o-mini",
  choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }],
});

/** The last two. */
export const END = event({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-4o-mini",
  choices: [],
  usage,
}) + "data: [DONE]\n\n";

/** When an event was sent, by its origin's clock, microseconds; `undefined` where it does not say. */
export function sentAt(event: string): number | undefined {
  const at = event.match(/"content":"(\d+)"/)?.[1];
  return at === undefined ? undefined : Number(at);
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function padded(shape: (content: string) => unknown): string {
  const bare = JSON.stringify(shape("")).length;
  return JSON.stringify(shape("x".repeat(CONTENT - bare)));
}
