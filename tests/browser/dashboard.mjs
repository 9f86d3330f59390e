// The dashboard in a real browser: node dashboard.mjs PROGRAM YEAR ATTACK PICTURES
//
// YEAR and ATTACK are folders of log files from the example `synth`. Screenshots and a printed page
// are written to the folder PICTURES. README.md lists the checks.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { AXE, Pages, account, check, checkQuiet, checkWidth, folderOf, launch, open } from "./harness.mjs";

const WIDTHS = [1280, 390];

const [, , program, year, attack, pictures] = process.argv;
if (!pictures) {
  console.error("usage: node dashboard.mjs PROGRAM YEAR ATTACK PICTURES");
  process.exit(2);
}

const texts = (page, selector) => page.locator(selector).allTextContents();
const column = (table, at) => `${table} tbody tr:not([hidden]) td:nth-child(${at})`;
const number = (text) => (text === "–" ? null : Number(text.replaceAll(",", "")));

/** Returns true if the numbers are sorted and unknown values are last. */
function isSorted(values, sign) {
  const known = values.filter((value) => value !== null);
  const isLast = values.slice(known.length).every((value) => value === null);
  return isLast && known.every((value, at) => at === 0 || sign * (value - known[at - 1]) >= 0);
}

async function sorting(page) {
  const table = "#top-reports-rows";
  const head = (name) => page.locator(`${table} th[data-column=${name}]`);
  for (const [name, at] of [["views", 4], ["trend", 6]]) {
    for (const [order, sign] of [["descending", -1], ["ascending", 1]]) {
      await head(name).getByRole("button").click();
      const values = (await texts(page, column(table, at))).map(number);
      check(`${name} are sorted, ${order}`, isSorted(values, sign), values);
      check(`${name} say that they are`, (await head(name).getAttribute("aria-sort")) === order);
    }
  }
  await head("views").getByRole("button").focus();
  await page.keyboard.press("Shift+Tab");
  check("the keyboard shows what a column means", (await page.locator("#tip").textContent()).length > 10);
  await head("report").getByRole("button").focus();
  await page.keyboard.press("Enter");
  const names = await texts(page, column(table, 2));
  const sorted = [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" }));
  check("names are sorted by the keyboard", names.join("\n") === sorted.join("\n"), names);
  check("one column says that it is sorted", (await page.locator(`${table} [aria-sort]`).count()) === 1);
}

async function filtering(page) {
  const rows = page.locator("#top-reports-rows tbody tr:visible");
  const all = await rows.count();
  const input = page.getByLabel("Filter rows: Most viewed reports");
  await input.fill("finance sales");
  const found = await texts(page, "#top-reports-rows tbody tr:not([hidden])");
  const isRight = (text) => /finance/i.test(text) && /sales/i.test(text);
  check("rows are filtered by all words", found.length > 0 && found.length < all && found.every(isRight), found);
  const text = await page.locator("#reports .filter span").textContent();
  check("the number of remaining rows is shown", text === `${found.length} of ${all} rows`, text);
  await input.fill("<script>");
  check("no row is like that", (await rows.count()) === 0);
  await input.fill("");
  check("without words all rows are back", (await rows.count()) === all);
}

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

async function themes(page, name) {
  const colors = {};
  for (const theme of ["Light", "Dark", "Auto"]) {
    await page.getByText(theme, { exact: true }).click();
    colors[theme] = await background(page);
  }
  check(`${name}: the switch changes the colors`, colors.Light !== colors.Dark, colors);
  check(`${name}: auto follows the system`, colors.Auto === colors.Light, colors);
}

async function values(page) {
  const tip = page.locator("#tip");
  const plot = page.locator("#views .plot");
  const rows = await page.locator("#views-rows tbody tr").count();
  const cells = (row) => page.locator(`#views-rows tbody tr:nth-child(${row})`).locator("td");
  await plot.scrollIntoViewIfNeeded();
  const svg = plot.locator("svg.wide");
  const box = await svg.boundingBox();
  const [left, right] = await svg.evaluate((svg) => [svg.dataset.left / svg.viewBox.baseVal.width, svg.dataset.right / svg.viewBox.baseVal.width]);
  for (const row of [1, Math.ceil(rows / 2), rows]) {
    const x = left + ((row - 0.5) / rows) * (right - left);
    await page.mouse.move(box.x + x * box.width, box.y + box.height / 2);
    const [date, views] = await cells(row).allTextContents();
    const text = await tip.textContent();
    check(`the mouse over day ${row} shows its values`, text.startsWith(date) && text.includes(`Views: ${views}\n`), { text, date, views });
  }
  await page.mouse.move(2, 2);
  check("away from the chart nothing is shown", await tip.isHidden());

  await page.locator("nav a").last().focus();
  for (let tabs = 0; tabs < 30 && !(await plot.evaluate((plot) => plot === document.activeElement)); tabs += 1) {
    await page.keyboard.press("Tab");
  }
  check("the chart is reached by Tab", await plot.evaluate((plot) => plot === document.activeElement));
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowRight");
  const at = (await tip.textContent()).split("\n")[0];
  check("arrows go from day to day", at === (await cells(rows - 1).first().textContent()), at);
  check("the tooltip is announced", (await page.locator("#announcer").textContent()).startsWith(at));
  await page.keyboard.press("Escape");
  check("Escape ends it", await tip.isHidden());

  await page.locator(".heat td[data-tip]").nth(34).hover();
  check("an hour shows its value", /^Tue 10:00 to 10:59: average views .*, viewers .*$/.test(await tip.textContent()), await tip.textContent());
  await page.mouse.move(2, 2);
  await page.locator(".heat td[data-tip]").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  check("hours are reached by arrows", (await tip.textContent()).startsWith("Tue 1:00"), await tip.textContent());
  await page.locator(".month td.missing").first().hover();
  check("a missing day says why", /missing, no events; /.test(await tip.textContent()), await tip.textContent());
}

/** Checks that the policy blocks scripts, styles and images that are inserted into the page. */
async function policy(page, seen) {
  const before = seen.requests.length;
  await page.evaluate(() => {
    const put = (html) => document.body.insertAdjacentHTML("beforeend", html);
    put("<img src='https://example.com/x.png' onerror='window.broken = 1'>");
    put("<p id='styled' style='position: fixed'>x</p><link rel='stylesheet' href='https://example.com/x.css'>");
    const script = document.createElement("script");
    script.textContent = "window.broken = 2";
    document.body.append(script);
  });
  await page.waitForTimeout(300);
  const broken = await page.evaluate(() => window.broken ?? null);
  check("the policy runs no other script", broken === null, broken);
  const position = await page.evaluate(() => getComputedStyle(document.getElementById("styled")).position);
  check("the policy applies no other style", position === "static", position);
  // The browser reports each request that the policy blocked.
  const refused = seen.refused.map(([url, reason]) => `${url} ${reason}`);
  const expected = seen.requests.slice(before).map((url) => `${url} csp`);
  check("the policy asks for nothing", refused.sort().join() === expected.sort().join(), refused);
  check("the browser says so", seen.messages.some((text) => text.includes("Content Security Policy")), seen.messages);
}

async function accessible(name, page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => (await window.axe.run()).violations);
  const grave = found.filter((violation) => ["serious", "critical"].includes(violation.impact));
  const details = grave.map(({ id, nodes }) => [id, nodes.length, nodes[0].html, nodes[0].failureSummary]);
  check(`${name}: accessible`, grave.length === 0, details);
  const passed = await page.evaluate(async () => (await window.axe.run()).passes.length);
  check(`${name}: rules were checked`, passed > 20, passed);
}

async function withoutScript(browser, url) {
  const { context, page } = await open(browser, url, { javaScriptEnabled: false });
  for (const selector of ["#views svg.wide path.s1", "#active svg.wide path.s3", "#growth svg.wide", ".spark svg path", ".heat td", ".month td"]) {
    check(`without a script ${selector} is there`, await page.locator(selector).first().isVisible());
  }
  check("without a script tables are there", (await page.locator("#top-reports-rows tbody tr:visible").count()) > 10);
  await page.locator("#views summary").click();
  check("without a script the values can be read", await page.locator("#views-rows tbody tr").first().isVisible());
  await themes(page, "without a script");
  await context.close();
}

async function printed(browser, url, name) {
  const { context, page } = await open(browser, url);
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 703, height: 1000 });
  await checkWidth("on paper", page);
  check("on paper there are charts", await page.locator("#views svg.wide").isVisible());
  check("on paper there is nothing to click", await page.locator("nav, .theme, .filter, details").evaluateAll(
    (all) => all.every((one) => getComputedStyle(one).display === "none")));
  const side = page.locator("#workspace-usage th.side, #exports th.side, #shared th.side, #top-reports th.spark");
  const shown = await side.evaluateAll((all) => all.filter((one) => getComputedStyle(one).display !== "none").length);
  check("on paper there are the columns of the wide layout", shown > 6 && shown === await side.count(), shown);
  const clipped = await page.locator(".scroll").evaluateAll(
    (all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-labelledby")));
  check("on paper no table is cut off", clipped.length === 0, clipped);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  check("it is printed on a few pages", pages > 2 && pages < 20, pages);
  writeFileSync(name, pdf);
  await context.close();
}

async function looked(browser, url, name, folder) {
  for (const [look, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", width: 390, height: 844 }],
  ]) {
    const opened = await open(browser, url, options);
    await checkQuiet(`${name}, ${look}`, url, opened);
    await accessible(`${name}, ${look}`, opened.page);
    await opened.page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
    await opened.context.close();
  }
}

async function all() {
  const folder = folderOf(pictures);
  const pages = new Pages(program);
  const browser = await launch();
  try {
    const stores = { year: pages.store("year", year), attack: pages.store("attack", attack) };
    const lately = ["--since", "90d", "--tz", "Europe/Berlin"];
    const urls = {
      lately: pages.page("lately", ["--store", stores.year, ...lately]),
      whole: pages.page("whole", ["--store", stores.year]),
      attack: pages.page("attack", ["--store", stores.attack]),
      nobody: pages.page("nobody", ["--store", stores.year, "--user", "nobody@nowhere.example"]),
    };
    for (const [name, url] of Object.entries(urls)) {
      for (const width of WIDTHS) {
        const opened = await open(browser, url, { width });
        await checkQuiet(`${name} at ${width}`, url, opened);
        await checkWidth(`${name} at ${width}`, opened.page);
        await opened.context.close();
      }
      await looked(browser, url, name, folder);
    }

    const opened = await open(browser, urls.lately, { colorScheme: "light" });
    const { page, seen } = opened;
    const opening = await page.evaluate(() => Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd));
    console.log(`opened in ${opening} ms`);
    await values(page);
    await sorting(page);
    await filtering(page);
    await themes(page, "with the script");
    await checkQuiet("after all of it", urls.lately, opened);
    await policy(page, seen);
    await opened.context.close();

    await withoutScript(browser, urls.lately);
    await printed(browser, urls.lately, join(folder, "lately.pdf"));
  } finally {
    await browser.close();
    pages.remove();
  }
}

await all();
process.exit(account());
