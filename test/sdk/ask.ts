/**
 * The real `openai` client in a process of its own, for suites that run
 * elsewhere: a line of JSON in is a call, a line out is what its user gets.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import OpenAI from "openai";

interface Call {
  readonly url: string;
  readonly token: string;
  readonly model: string;
  /** Streams until it ends, or breaks. */
  readonly stream?: boolean;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call } = JSON.parse(line) as { id: number; call: Call };
  ask(call).then((told) => console.log(JSON.stringify({ id, told })));
}

async function ask({ url, token, model, stream = false }: Call) {
  const client = new OpenAI({
    apiKey: token,
    baseURL: `${url}/v1`,
    maxRetries: 0,
    timeout: 20_000,
  });
  const messages = [{ role: "user" as const, content: "Hello" }];
  const { completions } = client.chat;
  let said = "";
  try {
    if (stream) {
      const asked = { model, messages, stream: true as const };
      for await (const part of await completions.create(asked)) {
        said += part.choices[0]?.delta.content ?? "";
      }
    } else {
      const answer = await completions.create({ model, messages });
      said = answer.choices[0]?.message.content ?? "";
    }
    return { said };
  } catch (error) {
    const { message, status, code } = error as Error & {
      readonly status?: number;
      readonly code?: string;
    };
    const { name } = (error as Error).constructor;
    return { said, error: { name, message, status, code } };
  }
}
