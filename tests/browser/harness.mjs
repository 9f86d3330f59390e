// Creates the pages, opens them in a browser that records requests and messages, and counts checks.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// The modules are installed outside of the clone; NODE_MODULES says where.
const require = createRequire(pathToFileURL(join(resolve(process.env.NODE_MODULES ?? "."), "x.js")));
const { chromium } = require("playwright-core");
export const AXE = require("axe-core").source;

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** Returns the path of an installed browser. */
export function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of BROWSERS) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error(`none of ${BROWSERS.join(", ")} is installed; CHROMIUM can name another`);
}

export async function launch() {
  return chromium.launch({
    executablePath: browserPath(),
    // Containers rarely allow a sandbox. No host name is ever resolved.
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
  });
}

const failures = [];
let passed = 0;

/** Records the result of a check. */
export function check(name, isSo, detail = "") {
  if (isSo) {
    passed += 1;
    return;
  }
  failures.push(name);
  console.error(`failed: ${name}${detail === "" ? "" : `: ${JSON.stringify(detail)}`}`);
}

/** Prints the number of passed and failed checks, and returns the exit code. */
export function account() {
  console.log(`${passed} checks passed, ${failures.length} failed`);
  return failures.length === 0 && passed > 0 ? 0 : 1;
}

/** Creates stores and pages in a temporary folder. */
export class Pages {
  constructor(program) {
    this.program = resolve(program);
    this.folder = mkdtempSync(join(tmpdir(), "pbi-browser-"));
  }

  /** Creates a store of one folder of log files, or of several. */
  store(name, archive) {
    const store = join(this.folder, name);
    // Exit code 3: some files are truncated on purpose.
    this.run(["ingest", ...[archive].flat(), "--store", store, "--quiet"], [0, 3]);
    return store;
  }

  page(name, flags) {
    const file = join(this.folder, `${name}.html`);
    this.run(["dashboard", "--output", file, ...flags], [0, 3]);
    return pathToFileURL(file).href;
  }

  run(flags, codes) {
    try {
      return execFileSync(this.program, flags, { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      if (!codes.includes(error.status)) throw error;
      return error.stdout;
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Opens a page, and records its requests, messages and dialogs. */
export async function open(browser, url, options = {}) {
  const { width = 1280, height = 900, ...others } = options;
  const context = await browser.newContext({ viewport: { width, height }, ...others });
  const page = await context.newPage();
  const seen = { requests: [], refused: [], messages: [], dialogs: [] };
  context.on("request", (request) => seen.requests.push(request.url()));
  context.on("requestfailed", (request) => seen.refused.push([request.url(), request.failure().errorText]));
  page.on("console", (message) => seen.messages.push(message.text()));
  page.on("pageerror", (error) => seen.messages.push(error.message));
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    dialog.dismiss();
  });
  await page.goto(url);
  return { context, page, seen };
}

/** Checks that the page requests nothing, reports no error and runs no foreign script. */
export async function checkQuiet(name, url, { page, seen }) {
  check(`${name}: nothing but the page is asked for`, seen.requests.join() === url, seen.requests);
  check(`${name}: nothing complains`, seen.messages.length === 0, seen.messages);
  check(`${name}: no dialog opens`, seen.dialogs.length === 0, seen.dialogs);
  const broken = await page.evaluate(() => window.broken ?? null);
  check(`${name}: no text runs`, broken === null, broken);
}

/** Checks that the page is not wider than the window. */
export async function checkWidth(name, page) {
  const [inner, outer] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    window.innerWidth,
  ]);
  check(`${name}: no wider than the window`, inner <= outer, { inner, outer });
}

export function folderOf(name) {
  mkdirSync(name, { recursive: true });
  return resolve(name);
}
