/**
 * What is guessed where an API reports nothing: a token for four bytes of text.
 *
 * Bytes, not characters: for English the two are the same, and where they
 * differ a character is worth about a token.
 *
 * @module
 */

import { type Usage, usageOf } from "./usage.ts";

/** Tokens of so many bytes of text. */
function tokensOf(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/** A picture, sound or document of the usual size, tokens. */
const MEDIUM = 1_000;
/** Members whose string is no text but a medium, or the address of one. */
const MEDIA =
  /^(?:data|b64_json|file_data|url|image_url|audio_url|uri|fileUri|file_uri|bytesBase64Encoded)$/;
/** Members whose text a model never reads. */
const UNREAD =
  /^(?:model|type|role|id|call_id|tool_call_id|tool_use_id|user|service_tier|signature|encrypted_content|mime_?[tT]ype|media_type)$/;

const QUOTE = 0x22, BACKSLASH = 0x5c, COLON = 0x3a;

/**
 * Input tokens of a request with this content: those of the strings in its
 * JSON, media by the piece. A form counts as one medium; of content that was
 * not kept only `length` is known, bytes, all of which is taken for text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { estimateInput } from "./estimate.ts";
 *
 * const content = new TextEncoder().encode('{"model":"m","input":"12345678"}');
 * assert.equal(estimateInput(content, content.length), 2);
 * assert.equal(estimateInput(undefined, 4000), 1000);
 * ```
 */
export function estimateInput(
  content: Uint8Array | undefined,
  length: number | undefined,
): number {
  if (content === undefined) return tokensOf(length ?? 0);
  if (content.length === 0) return 0;
  if (content[0] === 0x2d) return MEDIUM; // `--boundary`
  let text = 0;
  let media = 0;
  let name = "";
  for (let at = content.indexOf(QUOTE); at !== -1;) {
    const end = endOfString(content, at + 1);
    let next = end + 1;
    while (content[next]! <= 0x20) next++;
    if (content[next] === COLON) {
      const short = content.subarray(at + 1, Math.min(end, at + 65));
      name = String.fromCharCode(...short);
    } else if (MEDIA.test(name)) media++;
    else if (!UNREAD.test(name)) text += end - at - 1;
    at = content.indexOf(QUOTE, next);
  }
  return tokensOf(text) + media * MEDIUM;
}

/** Where the string ends that begins at `at`; the end of all where it does not. */
function endOfString(content: Uint8Array, at: number): number {
  for (let end = at;; end++) {
    end = content.indexOf(QUOTE, end);
    if (end === -1) return content.length;
    let slashes = end;
    while (slashes > at && content[slashes - 1] === BACKSLASH) slashes--;
    if ((end - slashes) % 2 === 0) return end;
  }
}

/** What a request asks for, as far as its content shows it: {@linkcode estimateInput}, the characters of an `input` to be spoken, the seconds of a video. */
export function estimateRequest(
  content: Uint8Array | undefined,
  length: number | undefined,
): Usage {
  const input = estimateInput(content, length);
  const asked = content === undefined ? {} : membersOf(content);
  const { input: spoken, parameters, n } = asked;
  const seconds = asked["seconds"] ?? Object(parameters)["durationSeconds"];
  return usageOf({
    input,
    images: Number(n ?? Object(parameters)["sampleCount"]),
    videoSeconds: Number(seconds),
    ...typeof spoken === "string" && { characters: [...spoken].length },
  });
}

/** Largest content that is parsed whole, bytes: texts to be spoken and prompts of videos are far smaller. */
const LARGEST = 65_536;

function membersOf(content: Uint8Array): Record<string, unknown> {
  if (content.length > LARGEST) return {};
  try {
    return Object(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    return {};
  }
}

/** Of guesses: what went up and what came down. */
export interface Guessing {
  /** What the request asks for. */
  readonly asked: Usage;
  /** Bytes of text in the answer. */
  readonly text: number;
  /** Bytes of base64 of sound in the answer. */
  readonly audio: number;
  /** Bytes of the whole answer. */
  readonly bytes: number;
  /** Whether it came as events. */
  readonly events: boolean;
}

/** Base64 of a token's worth of sound, bytes: 50 ms of 24 kHz PCM, as OpenAI's and Google's sockets send it. */
const AUDIO_TOKEN = 3_200;
/** Characters spoken in a second, about, and the tokens of that second. */
const SPEECH = 15, SPOKEN = 20;

/** Of an answer in words. */
export function guessAnswer({ asked, text, audio }: Guessing): Usage {
  const outputAudio = Math.ceil(audio / AUDIO_TOKEN);
  const output = tokensOf(text) + outputAudio;
  return usageOf({ input: asked.input, output, outputAudio });
}

/** Of an answer that is nothing but sound: its characters are exact, its tokens those of speech of usual speed. */
export function guessSpeech({ asked }: Guessing): Usage {
  const { input, characters = 0 } = asked;
  const outputAudio = Math.ceil(characters * SPOKEN / SPEECH);
  return usageOf({ input, characters, output: outputAudio, outputAudio });
}

/** Of a text that was heard. Only models that count tokens send events. */
export function guessHearing({ text, bytes, events }: Guessing): Usage {
  const seconds = Math.ceil((text || bytes) / SPEECH);
  if (!events) return usageOf({ seconds });
  const input = seconds * HEARD;
  return usageOf({ input, inputAudio: input, output: tokensOf(text) });
}

/** Tokens of a second that is heard. */
const HEARD = 10;

/** Of pictures: as many as were asked for. */
export function guessPictures(
  { asked: { input, images = 1 } }: Guessing,
): Usage {
  return usageOf({ input, images });
}

/** Of films: as many and as long as was asked for; `usual` seconds where nothing was. */
export function guessFilms(usual: number): (guessing: Guessing) => Usage {
  return ({ asked: { videoSeconds = usual, images = 1 } }) =>
    usageOf({ videoSeconds: videoSeconds * images });
}
