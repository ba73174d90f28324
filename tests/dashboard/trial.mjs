// A herd of its own at the vendor in miniature, a daemon, and a real browser that was let in.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import puppeteer from "puppeteer-core";

const run = promisify(execFile);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { REMUDA_TEST_BINARY: binary, REMUDA_TEST_CHROMIUM: chromium = "/usr/bin/chromium" } = process.env;
if (!binary) throw new Error("REMUDA_TEST_BINARY names the program to test");

/** Starts a program and waits for the line that says where it listens. */
function start(args, env) {
  const child = spawn(binary, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const said = [];
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`remuda ${args[0]} ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      said.push(line);
      const url = line.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
      if (url) resolve({ child, url, said });
    });
  });
}

export class Trial {
  static async begin() {
    const trial = new Trial();
    trial.home = await mkdtemp(join(tmpdir(), "remuda-dashboard-"));
    trial.env = { PATH: process.env.PATH, HOME: trial.home, REMUDA_HOME: join(trial.home, "remuda"), NO_COLOR: "1" };
    trial.vendor = await start(["fake", "--listen", "127.0.0.1:0", "--account", "work:key", "--account", "personal:key", "--seed", "1"], trial.env);
    const { url } = trial.vendor;
    await run("mkdir", ["-m", "700", trial.env.REMUDA_HOME]);
    await writeFile(
      join(trial.env.REMUDA_HOME, "config.toml"),
      `listen = "127.0.0.1:0"\n[vendors.anthropic]\napi = "${url}"\nauthorize = "${url}/oauth/authorize"\ntoken = "${url}/v1/oauth/token"\ncopy_code = "${url}/oauth/code/callback"\n`,
    );
    trial.daemon = await start(["serve"], trial.env);
    trial.browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--lang=en"], env: { ...trial.env, TZ: "UTC" } });
    return trial;
  }

  async end() {
    await this.browser?.close();
    for (const { child } of [this.daemon, this.vendor].filter(Boolean)) {
      child.removeAllListeners("exit");
      child.kill("SIGKILL");
    }
    await rm(this.home, { recursive: true, force: true });
  }

  /** A command, as JSON. */
  async remuda(...args) {
    const { stdout } = await run(binary, [...args, "--json"], { env: this.env });
    return JSON.parse(stdout);
  }

  /** The vendor's key of an account, from what the vendor in miniature prints at its start. */
  keyOf(name) {
    return this.vendor.said.find((line) => line.includes(`--label ${name} `)).match(/sk-ant-\S+/)[0];
  }

  /** The vendor does something to an account's next requests. */
  async script(account, effect, times = 1) {
    const answer = await fetch(`${this.vendor.url}/__fake/faults`, { method: "POST", body: JSON.stringify({ account, faults: [{ effect, times }] }) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** An agent asks something. */
  async ask(session) {
    this.key ??= (await this.remuda("key", "create", "--name", "agent", "--host", "claude")).secret;
    const answer = await fetch(`${this.daemon.url}/anthropic/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": this.key, "anthropic-version": "2023-06-01", "content-type": "application/json", "x-claude-code-session-id": session },
      body: JSON.stringify({ model: "claude-sonnet-4-6", max_tokens: 64, stream: true, messages: [{ role: "user", content: "hello" }] }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** A page that was let in by a one-time link. What goes wrong in it fails the test. */
  async open({ width = 1280, height = 900, theme } = {}) {
    const page = await this.browser.newPage();
    page.troubles = [];
    page.on("pageerror", (error) => page.troubles.push(error.message));
    page.on("console", (line) => line.type() === "error" && page.troubles.push(line.text()));
    page.on("request", (request) => request.url().startsWith(this.daemon.url) || page.troubles.push(`asks ${request.url()}`));
    if (theme) await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    await page.setViewport({ width, height });
    const { url } = await this.remuda("dashboard", "--no-browser");
    await page.goto(url);
    await page.waitForSelector("#link.good");
    return page;
  }
}

export async function turn(page, to) {
  await page.evaluate((to) => (location.hash = `#/${to}`), to);
  // Address and page change in one drawing, a frame later.
  await page.waitForFunction((to) => document.querySelector("nav [aria-current]")?.hash === `#/${to}` && !document.querySelector("main").textContent.includes("Loading …"), {}, to);
}

/** Waits until the page says something. */
export const says = (page, text, where = "body") =>
  page.waitForFunction((text, where) => document.querySelector(where)?.innerText.includes(text), { timeout: 20_000 }, text, where);

/** Everything that axe finds wrong. */
export async function barriers(page) {
  // Through the protocol and not as a script of the page: the page's own policy lets no foreign script in.
  const session = await page.createCDPSession();
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: page.mainFrame()._id });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await evaluate(`${axe};0`);
  const { checked, wrong } = await evaluate(`axe.run({runOnly:["wcag2a","wcag2aa","wcag21a","wcag21aa","best-practice"]}).then(r=>({checked:r.passes.length,wrong:r.violations.map(v=>v.id+": "+v.nodes.map(n=>n.target+" "+n.failureSummary).join("; "))}))`);
  if (checked < 10) throw new Error(`axe has checked next to nothing: ${checked}`);
  return wrong;
}
