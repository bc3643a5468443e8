/**
 * How each API names what its holders make.
 *
 * @module
 */

import type { ObjectNames } from "../core/provider.ts";

/** https://platform.openai.com/docs/api-reference (read 2026-11). */
export const OPENAI_OBJECTS: ObjectNames = {
  path:
    /^\/v1\/(?:(?:files|uploads|batches|conversations|vector_stores|containers|assistants|threads(?!\/runs(?:\/|$))|fine_tuning\/(?:jobs|checkpoints)|fine-tunes|evals|videos|chat\/completions|responses(?!\/(?:compact|input_tokens)(?:\/|$)))\/|models\/(?=ft:))([^/]+)/i,
  name:
    /((?:file|upload|batch|resp|chatcmpl|conv|vs|cntr|asst|thread|ftjob|ftckpt|eval|video)[-_][0-9A-Za-z][\w-]{15,}|ft:[\w.:-]+)/,
  made: [
    "id",
    "output_file_id",
    "error_file_id",
    "fine_tuned_model",
    "result_files.*",
    "file.id",
    "response.id",
  ],
  computes:
    /^POST \/v1\/(?:completions|embeddings|moderations|images\/\w+|audio\/\w+)$/,
  // The parts of an upload are never seen together.
  hidden: [[/^POST \/v1\/uploads$/, /"batch"/]],
};

/** https://docs.anthropic.com/en/api (read 2026-11). */
export const ANTHROPIC_OBJECTS: ObjectNames = {
  path: /^\/v1\/(?:files|messages\/batches)\/([^/]+)/i,
  name: /((?:file|msgbatch)_[0-9A-Za-z]{12,})/,
  made: ["id"],
  computes: /^POST \/v1\/messages\/count_tokens$/,
  hidden: [],
};

const GEMINI_NAME =
  '((?:files|cachedContents|batches|fileSearchStores|corpora|operations|interactions|tunedModels)/[^/:?"\\s]+)';

/** https://ai.google.dev/api (read 2026-11). */
export const GEMINI_OBJECTS: ObjectNames = {
  path: new RegExp(`/${GEMINI_NAME}`, "i"),
  name: new RegExp(
    `(?:https?://[^/"\\s]+/)?(?:[\\w.-]+/){0,4}?${GEMINI_NAME}(?:[/:?][^"\\s]*)?`,
  ),
  made: [
    "name",
    "file.name",
    "dest.fileName",
    "response.name",
    "response.responsesFile",
    "metadata.output.responsesFile",
    "response.generateVideoResponse.generatedSamples.*.video.uri",
    "response.generatedVideos.*.video.uri",
  ],
  computes:
    /:(?:\w*generatecontent(?<!:batchgeneratecontent)|\w+tokens|embedcontent|batchembedcontents|generateanswer|predict)$|\/openai\/(?:chat\/completions|embeddings|images\/generations)$/,
  // Uploads come in pieces that are never seen together.
  hidden: [[
    /^POST .*:(?:batchgeneratecontent|asyncbatchembedcontent)$/,
    /"file_?name"/i,
  ]],
};
