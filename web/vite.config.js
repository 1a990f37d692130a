import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// The address of a running Stagedoor, for `npm run dev` and `npm run preview`; built files need none.
const api = { target: process.env.STAGEDOOR_URL ?? "http://127.0.0.1:8000", changeOrigin: true };
const proxy = { "/v1": api, "/health": api, "/openapi.json": api };

export default defineConfig({
  plugins: [preact()],
  build: {
    target: "es2022",
    // The pages' Content-Security-Policy allows files of this origin alone, so nothing is put inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "docs.html"] },
  },
  server: { proxy },
  preview: { proxy },
});
