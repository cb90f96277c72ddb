// What the viewer costs: npm run bench. Prints figures; benches/README.md says what they were and where.

import { defineConfig } from "@playwright/test";
import { chromium } from "../e2e/harness/chromium";

export default defineConfig({
  testMatch: "*.bench.ts",
  outputDir: "../../target/e2e",
  workers: 1,
  timeout: 300_000,
  reporter: "line",
  use: { browserName: "chromium", launchOptions: chromium() },
});
