import {
  chat,
  chatStream,
  COMMON,
  connect,
  raised,
  SDKS,
} from "./openai_laws.ts";
import { suite } from "./stage.ts";

suite("openai on Gemini's compatible surface", {
  sdks: SDKS,
  doors: [
    { name: "the bare base", api: "gemini", path: "/v1beta/openai/" },
    { name: "its token", api: "gemini", path: "/v1beta/openai/", alone: true },
    { name: "its prefix", api: "gemini", path: "/gemini/v1beta/openai/" },
  ],
  connect,
  laws: COMMON,
  calls: {
    chat: (client) => chat(client),
    chatStream: (client) => chatStream(client),
  },
  raised,
});
