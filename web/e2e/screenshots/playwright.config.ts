// Takes the pictures under web/screenshots: npm run screenshots.

import { defineConfig } from "@playwright/test";
import { chromium } from "../harness/chromium";

export default defineConfig({
  testMatch: "take.ts",
  outputDir: "../../../target/e2e",
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: { browserName: "chromium", launchOptions: chromium() },
});
