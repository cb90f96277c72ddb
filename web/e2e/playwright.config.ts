import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env["CHROMIUM"] ?? CHROMIUM.find((path) => existsSync(path));
if (executablePath === undefined) throw new Error("no chromium here: apt-get install chromium, or set CHROMIUM");

export default defineConfig({
  outputDir: "../../target/e2e",
  fullyParallel: true,
  // One of them only waits for a link to expire.
  workers: 3,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath,
      // Chromium refuses to run as root with its sandbox; tests of ours are no strangers.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
    screenshot: "only-on-failure",
  },
  projects: [
    // Begins first, and takes the two minutes that clocks may differ by.
    { name: "expiry", testMatch: "expiry.e2e.ts", timeout: 180_000 },
    { name: "viewer", testMatch: "**/*.e2e.ts", testIgnore: "expiry.e2e.ts" },
  ],
});
