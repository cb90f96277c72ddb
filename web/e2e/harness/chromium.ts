// Which browser drives the tests, and how it is started.

import { existsSync } from "node:fs";
import type { LaunchOptions } from "@playwright/test";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function chromium(...args: string[]): LaunchOptions {
  const executablePath = process.env["CHROMIUM"] ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("no chromium here: apt-get install chromium, or set CHROMIUM");
  // It refuses to run as root with its sandbox; the pages of these tests are no strangers.
  const forRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return { executablePath, args: [...forRoot, ...args] };
}
