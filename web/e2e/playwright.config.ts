import { defineConfig } from "@playwright/test";
import { chromium } from "./harness/chromium";

export default defineConfig({
  outputDir: "../../target/e2e",
  fullyParallel: true,
  // One of them only waits for a link to expire.
  workers: 3,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: { browserName: "chromium", launchOptions: chromium(), screenshot: "only-on-failure", actionTimeout: 20_000 },
  projects: [
    // Begins first, and takes the two minutes that clocks may differ by.
    { name: "expiry", testMatch: "expiry.e2e.ts", timeout: 180_000 },
    { name: "viewer", testMatch: "**/*.e2e.ts", testIgnore: "expiry.e2e.ts" },
  ],
});
