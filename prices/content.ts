/**
 * What the messages of a request bring besides text. Only what is known to be
 * text, or a picture, counts as such.
 *
 * @module
 */

import type { Members } from "./strict.ts";

/** What was found. */
export interface Content {
  /** Pictures, in the request or behind a URL or an id. */
  readonly pictures: number;
  /** Bytes of pictures that are in the request, in base64. */
  readonly dataBytes: number;
  /** Whether there is anything else: sound, film, documents, what other requests have left. */
  readonly elsewhere: boolean;
}

const NOTHING: Content = { pictures: 0, dataBytes: 0, elsewhere: false };
const ELSEWHERE: Content = { ...NOTHING, elsewhere: true };

/** Members of a request that hold parts. */
export const ROOTS = [
  "messages",
  "system",
  "input",
  "contents",
  "content",
  "systemInstruction",
  "system_instruction",
  "requests",
];
/** Members of parts that hold parts; `input` is not one of them: there a tool's arguments stand. */
const HOLDERS = [
  "content",
  "parts",
  "output",
  "functionResponse",
  "function_response",
];

/** Types of parts that are text, or hold parts. */
const TEXT = [
  "message",
  "text",
  "input_text",
  "output_text",
  "refusal",
  "thinking",
  "redacted_thinking",
  "reasoning",
  "tool_use",
  "tool_result",
  "search_result",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "computer_call",
  "computer_call_output",
  "local_shell_call",
  "local_shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
];
const PICTURE = ["image", "image_url", "input_image", "computer_screenshot"];

/** Members of parts without a type that hold objects, but no parts. */
const PLAIN = [
  "tool_calls",
  "function_call",
  "functionCall",
  "annotations",
  "reasoning_details",
  "cache_control",
  "executableCode",
  "executable_code",
  "codeExecutionResult",
  "code_execution_result",
  "response",
  "inlineData",
  "inline_data",
  "mediaResolution",
  "media_resolution",
];

/** Reads the parts of a request. */
export function contentOf(body: Members): Content {
  return sum(ROOTS.map((name) => within(body[name])));
}

function within(value: unknown): Content {
  if (Array.isArray(value)) return sum(value.map(within));
  if (typeof value !== "object" || value === null) return NOTHING;
  const part = value as Members;
  const inner = HOLDERS.map((name) => within(part[name]));
  if (typeof part.type === "string") return sum([typed(part), ...inner]);
  const other = Object.keys(part).some((name) =>
    typeof part[name] === "object" && part[name] !== null &&
    !HOLDERS.includes(name) && !PLAIN.includes(name)
  );
  return sum([inline(part), other ? ELSEWHERE : NOTHING, ...inner]);
}

function typed(part: Members): Content {
  const { type, source, image_url: url } = part as { [name: string]: Members };
  if (PICTURE.includes(`${type}`)) {
    return picture(source?.data ?? url?.url ?? url);
  }
  const text = TEXT.includes(`${type}`) ||
    type as unknown === "document" && source?.type === "text";
  return text ? NOTHING : ELSEWHERE;
}

/** Gemini's. */
function inline(part: Members): Content {
  const data = (part.inlineData ?? part.inline_data) as Members | undefined;
  if (typeof data !== "object" || data === null) return NOTHING;
  const type = data.mimeType ?? data.mime_type;
  return /^image\//i.test(`${type}`) ? picture(data.data) : ELSEWHERE;
}

function picture(data: unknown): Content {
  const inRequest = typeof data === "string" && !/^https?:/i.test(data);
  if (inRequest && /^data:(?!image\/)/i.test(data)) return ELSEWHERE;
  // Base64 has no character that JSON must escape.
  const plain = inRequest && /^[\w+/=;:,.-]*$/.test(data);
  return { ...NOTHING, pictures: 1, dataBytes: plain ? data.length : 0 };
}

function sum(all: readonly Content[]): Content {
  return all.reduce((a, b) => ({
    pictures: a.pictures + b.pictures,
    dataBytes: a.dataBytes + b.dataBytes,
    elsewhere: a.elsewhere || b.elsewhere,
  }), NOTHING);
}
