// The dashboard in a real Chromium, on a real daemon.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Trial, barriers, says, turn } from "./trial.mjs";

const PAGES = ["", "accounts", "chains", "requests", "usage", "conversations", "settings"];
const pictures = process.env.REMUDA_SCREENSHOTS;
let trial;

before(async () => {
  trial = await Trial.begin();
});
after(() => trial?.end());

test("a browser without a link sees nobody's data and is told how to come in", async () => {
  const page = await trial.browser.newPage();
  const asked = [];
  page.on("response", (response) => asked.push([new URL(response.url()).pathname, response.status()]));
  await page.goto(trial.daemon.url);
  await says(page, "This browser is not let in");
  await says(page, "remuda dashboard");
  assert.deepEqual(asked.find(([path]) => path === "/api/v1/overview"), ["/api/v1/overview", 401]);
  await page.close();
});

test("an account is added in the browser", async () => {
  const page = await trial.open();
  await says(page, "No account yet");
  await page.click("main a.button");
  await page.waitForSelector("dialog[open]");
  await page.select("dialog [name=method]", "key");
  await page.type("dialog [name=secret]", "sk-ant-wrong");
  await page.type("dialog [name=label]", "work");
  await page.click("dialog button.main");
  await page.waitForFunction(() => document.querySelector("dialog .trouble")?.innerText.length > 10);
  await page.$eval("dialog [name=secret]", (field) => (field.value = ""));
  await page.type("dialog [name=secret]", trial.keyOf("work"));
  await page.click("dialog button.main");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  await says(page, "work is added");
  await says(page, "work", ".cards");
  assert.deepEqual((await trial.remuda("accounts")).accounts.map((account) => account.label), ["work"]);
  // The refused key is the only thing that may have been said in the console.
  assert.deepEqual(page.troubles.filter((trouble) => !/status of (4|5)\d\d/.test(trouble)), []);
  await page.close();
});

test("a chain is written by keyboard and by dragging, and what another surface changes is seen at once", async () => {
  const page = await trial.open();
  await turn(page, "accounts");
  await page.waitForSelector("main button[data-act=login]");
  await page.click("main button[data-act=login]");
  await page.waitForSelector("dialog[open]");
  await page.select("dialog [name=method]", "key");
  await page.type("dialog [name=secret]", trial.keyOf("personal"));
  await page.type("dialog [name=label]", "personal");
  await page.click("dialog button.main");
  await says(page, "personal is added");

  await turn(page, "chains");
  await page.waitForSelector('select[data-source="work"]');
  await page.focus('select[data-source="work"]');
  await page.select('select[data-source="work"]', "personal");
  await page.waitForSelector('[data-lane="work"] [data-drag="personal"]');
  const chains = async () => (await trial.remuda("fallback")).chains;
  assert.deepEqual(await chains(), [{ source: "work", targets: ["personal"] }]);

  await page.waitForSelector('[data-lane="work"] [data-drag="personal"]');
  await page.focus('[data-lane="work"] [data-drag="personal"]');
  await page.keyboard.press("Delete");
  await page.waitForFunction(() => !document.querySelector('[data-lane="work"] [data-drag="personal"]'));
  assert.deepEqual(await chains(), []);

  await page.evaluate(() => {
    const carried = new DataTransfer();
    const fire = (where, kind) => where.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried, clientX: 10_000 }));
    const lane = document.querySelector('[data-lane="work"]');
    fire(document.querySelector('.palette [data-drag="personal"]'), "dragstart");
    fire(lane, "dragover");
    fire(lane, "drop");
  });
  await page.waitForSelector('[data-lane="work"] [data-drag="personal"]');
  assert.deepEqual(await chains(), [{ source: "work", targets: ["personal"] }]);

  await trial.remuda("fallback", "personal", "work");
  await page.waitForSelector('[data-lane="personal"] [data-drag="work"]');
  await trial.remuda("fallback", "personal", "--clear");
  await page.waitForFunction(() => !document.querySelector('[data-lane="personal"] [data-drag="work"]'));
  assert.deepEqual(page.troubles, []);
  await page.close();
});

test("a failover appears while it happens, without a reload, and its decision can be read", async () => {
  await trial.remuda("spend", "personal", "--after", "billing", "--daily", "5");
  const page = await trial.open();
  await page.evaluate(() => (window.sameDocument = true));
  assert.equal((await trial.ask("00000000-0000-4000-8000-000000000001")).status, 200);
  await says(page, "served", "main table");
  await trial.script("work", { refuse: "credit_too_low" });
  const answer = await trial.ask("00000000-0000-4000-8000-000000000001");
  assert.equal(answer.status, 200, answer.text);
  await says(page, "personal stands in now", "#said");
  await says(page, "moved", "main table");
  await says(page, "resting", ".cards");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await page.click("main table tbody tr:first-child a");
  await says(page, "Why it went where it went");
  await says(page, "work", "ol.steps li.bad");
  await says(page, "personal", "ol.steps li.good");
  assert.deepEqual(page.troubles, []);
  await page.close();
});

for (const theme of ["light", "dark"]) {
  test(`every page is without barriers, ${theme}, wide and on a phone`, async () => {
    for (const size of [{ width: 1280, height: 900 }, { width: 390, height: 844 }]) {
      const page = await trial.open({ ...size, theme });
      for (const to of PAGES) {
        await turn(page, to);
        assert.deepEqual(await barriers(page), [], `#/${to} ${theme} ${size.width}`);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wider <= 0, `#/${to} is ${wider} pixels wider than a screen of ${size.width}`);
        if (pictures) {
          await mkdir(pictures, { recursive: true });
          await page.screenshot({ path: `${pictures}/${to || "overview"}-${theme}${size.width < 500 ? "-phone" : ""}.png` });
        }
      }
      assert.deepEqual(page.troubles, []);
      await page.close();
    }
  });
}

test("settings are kept and a wrong one is refused with its reason", async () => {
  const page = await trial.open();
  await turn(page, "settings");
  await page.$eval('input[data-what="minimum"][data-account="work"][data-window="five_hour"]', (field) => {
    field.value = "15";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await says(page, "Set.", "#said");
  const { accounts } = await trial.remuda("minimum");
  assert.equal(accounts.find((one) => one.account === "work").floors.find((floor) => floor.window === "five_hour").percent, 15);
  await page.$eval('input[data-what="minimum"][data-account=""][data-window="seven_day"]', (field) => {
    field.value = "250";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.waitForSelector("#said .bad");
  await page.close();
});

test("when the daemon has gone the page says so", async () => {
  const page = await trial.open();
  trial.daemon.child.removeAllListeners("exit");
  trial.daemon.child.kill("SIGTERM");
  await page.waitForFunction(() => !document.querySelector("#link").classList.contains("good"));
  await page.close();
});
