/* Writes the client of an OpenAPI document: node generate.js <document> <folder>. `make api` calls it. */
import { createClient } from "@hey-api/openapi-ts";

const [input, path] = process.argv.slice(2);
await createClient({
  input,
  // With their endings, Node runs the modules as they are.
  output: { path, module: { extension: ".ts" } },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
  logs: { file: false, level: "silent" },
});
