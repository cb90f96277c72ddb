import { defineConfig } from "vite";

export default defineConfig({
  // A viewer of one's own serves the page in a folder that nobody guesses.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist/page",
    target: "es2022",
    // Every name under assets/ carries a hash of the content: gateways let browsers keep them for ever.
    assetsDir: "assets",
    // The page's own policy forbids data: for anything but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
});
