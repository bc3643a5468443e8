/**
 * How each API names what its holders make.
 *
 * @module
 */

import type { ObjectNames } from "../core/provider.ts";

/** Nothing of a name may follow: the string or the form's line ends. */
const END = '(?=["\\r\\n]|$)';

/** https://platform.openai.com/docs/api-reference (read 2026-11). */
export const OPENAI_OBJECTS: ObjectNames = {
  path:
    /^\/v1\/(?:(?:files|uploads|batches|conversations|vector_stores|containers|assistants|threads(?!\/runs(?:\/|$))|fine_tuning\/(?:jobs|checkpoints)|fine-tunes|evals|videos(?:\/characters)?(?!\/(?:characters|edits|extensions)(?:\/|$))|realtime\/calls|live\/sessions|chat\/completions|responses(?!\/(?:compact|input_tokens)(?:\/|$)))\/|models\/(?=ft:))([^/]+)/i,
  // 16 characters and no `_`, or a function's name would be one. What has 40 hex
  // digits is a part of a stored response (msg_, rs_, fc_, …) and can be sent in its place.
  name: new RegExp(
    `((?:file|upload|batch|resp|chatcmpl|conv|vs|cntr|asst|thread|ftjob|ftckpt|eval|video|char|skill|audio|live)[-_][0-9A-Za-z]{16,255}|rtc_\\w{6,255}|[a-z]{2,12}_[0-9a-f]{40,255}|ft:[\\w.:-]{1,255})${END}`,
  ),
  made: [
    "id",
    "output_file_id",
    "error_file_id",
    "fine_tuned_model",
    "result_files.*",
    "thread_id",
    "file.id",
    "response.id",
    "output.*.id",
    "output.*.container_id",
    "choices.*.message.audio.id",
  ],
  later: ["item.id", "item.container_id", "choices.*.delta.audio.id"],
  computes:
    /^POST \/v1\/(?:completions|embeddings|moderations|images\/\w+|audio\/\w+)$/,
  keeps: /^POST \/v1\/responses$/,
  hidden: [
    // The parts of an upload are never seen together.
    [/^POST \/v1\/uploads$/, /["\n]batch["\r\n]/],
    // Evaluates what everybody has stored.
    [/^POST \/v1\/evals\b/, /"(?:stored_completions|logs|responses)"/],
  ],
};

/** https://docs.anthropic.com/en/api (read 2026-11). */
export const ANTHROPIC_OBJECTS: ObjectNames = {
  path: /^\/v1\/(?:files|messages\/batches)\/([^/]+)/i,
  name: new RegExp(
    `((?:file|msgbatch|container|skill)_[0-9A-Za-z]{12,255})${END}`,
  ),
  made: [
    "id",
    "container.id",
    "message.container.id",
    "content.*.content.content.*.file_id",
  ],
  later: ["delta.container.id", "content_block.content.content.*.file_id"],
  computes: /^POST \/v1\/messages\/count_tokens$/,
  hidden: [],
};

/** Where nobody has looked into how an API names its objects: none may be made or named. */
export const UNKNOWN_OBJECTS: ObjectNames = {
  unknown: true,
  path: /(?!)/,
  name: /((?!))/,
  made: [],
  later: [],
  computes: /^/,
  hidden: [[
    /^POST /,
    /"(?:file_ids?|(?:input_)?file_id|agent_id|previous_response_id|conversation(?:_id)?|container|library_ids)"\s*:\s*(?!null)/,
  ]],
};

const COLLECTIONS =
  "files|cachedContents|batches|fileSearchStores|corpora|operations|tunedModels";

/** https://ai.google.dev/api (read 2026-11). */
export const GEMINI_OBJECTS: ObjectNames = {
  path: new RegExp(
    `/((?:${COLLECTIONS})/[^/:?"\\s]+|(?<=/interactions/)[^/:?"\\s]+)`,
    "i",
  ),
  // By name or by URL; an interaction by a bare id.
  name: new RegExp(
    `(?:(?:https?:/+[^/"\\s]{1,255}/+)?(?:[\\w.-]{1,255}/+){0,4}?(?=(?:${COLLECTIONS})/))?((?:${COLLECTIONS})/+[\\w-]{1,255}|v1_[\\w-]{20,255}={0,2})(?=["\\r\\n/:?#]|$)`,
  ),
  made: [
    "id",
    "interaction.id",
    "name",
    "file.name",
    "dest.fileName",
    "response.name",
    "response.responsesFile",
    "metadata.output.responsesFile",
    "response.generateVideoResponse.generatedSamples.*.video.uri",
    "response.generatedVideos.*.video.uri",
  ],
  later: [],
  computes:
    /:(?:\w*generatecontent(?<!:batchgeneratecontent)|\w+tokens|embedcontent|batchembedcontents|generateanswer|predict)$|\/openai\/(?:chat\/completions|embeddings|images\/generations)$/,
  keeps: /^POST .*\/interactions$/,
  hidden: [
    // Uploads come in pieces that are never seen together.
    [
      /^POST .*:(?:batchgeneratecontent|asyncbatchembedcontent)$/,
      /"file_?name"/i,
    ],
    [/^POST .*\/openai\/batches$/, /"input_file_id"/],
    // Environments, and interactions whose ids look like nothing we know.
    [
      /^POST .*\/interactions$/,
      /"environment_?id"|"environment"\s*:\s*"(?!(?:remote|browser|mobile|desktop|environment_\w+)")|"previous_?interaction_?id"\s*:\s*"(?!v1_[\w-]{20,255}={0,2}")/i,
    ],
  ],
};
