/**
 * The tools that a request brings.
 *
 * @module
 */

import { isGiven, isObject, type Members } from "./strict.ts";

/** Tokens of the words that explain tools to a model (Anthropic up to 804), and of each tool of the API's own that the client carries out: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview. */
const ADDED = 1_024;

/** What clients carry out themselves; Anthropic's have a date at the end. */
const CLIENT_TOOL =
  /^(?:function|custom|namespace|local_shell|apply_patch|(?:computer(?:_use)?|bash|text_editor|str_replace_based_edit_tool|memory)(?:_\w+)?)$/;
const CLIENT_MEMBERS = [
  "functionDeclarations",
  "function_declarations",
  "computerUse",
  "computer_use",
];

/** Tokens that tools add; the name of the first that the API carries out itself. */
export function toolsOf(body: Members): number | string {
  const { tools, functions } = body;
  if (!isGiven(tools)) return isGiven(functions) ? ADDED : 0;
  if (!Array.isArray(tools)) return "tools";
  let own = 0;
  for (const tool of tools) {
    if (!isObject(tool)) return "tools";
    const type = tool.type ?? ("name" in tool ? "custom" : undefined);
    if (type !== undefined) {
      if (typeof type !== "string" || !CLIENT_TOOL.test(type)) return `${type}`;
      if (type !== "function" && type !== "custom") own++;
      const inner = toolsOf(tool);
      if (typeof inner === "string") return inner;
      continue;
    }
    const other = Object.keys(tool).find((name) =>
      !CLIENT_MEMBERS.includes(name)
    );
    if (other !== undefined) return other;
  }
  return tools.length === 0 ? 0 : ADDED + own * ADDED;
}
