// The dashboard in a real browser: node dashboard.mjs PROGRAM YEAR ATTACK PICTURES [--renew]
//
// YEAR and ATTACK are folders of log files from the example `synth`. The sample data of the repository
// has an inventory. Screenshots and a printed page
// are written to the folder PICTURES. With --renew, the pictures that are compared are written again
// into the folder `pictures` beside this file. README.md lists the checks.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { AXE, Pages, account, browserPath, check, checkQuiet, checkWidth, folderOf, launch, open } from "./harness.mjs";
import { PictureBook, comparing, pictured } from "./pictures.mjs";

const WIDTHS = [1280, 390];

/** The part of the page that is shown: the view of the period with which it opens. */
const VIEW = ".view.opened";

/** The sample data: the log and the inventory beside it. */
const SAMPLES = ["sample-data", "sample-data-inventory"].map((name) => join(dirname(fileURLToPath(import.meta.url)), "../..", name));

const STORED_PICTURES = join(dirname(fileURLToPath(import.meta.url)), "pictures");

const [, , program, year, attack, pictures, ...flags] = process.argv;
if (!pictures || flags.some((flag) => flag !== "--renew")) {
  console.error("usage: node dashboard.mjs PROGRAM YEAR ATTACK PICTURES [--renew]");
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
  const first = await rows.count();
  const all = await page.locator("#top-reports-rows tbody tr").count();
  check("a table shows its first rows", first === 10 && all > 10, { first, all });
  const button = page.getByRole("button", { name: `Show all ${all}: Reports` });
  await button.focus();
  await page.keyboard.press("Enter");
  check("all rows are shown on demand", (await rows.count()) === all);
  await page.getByRole("button", { name: "Show 10: Reports" }).click();
  check("and the first rows again", (await rows.count()) === first);
  const input = page.locator(VIEW).getByLabel("Filter rows: Reports");
  await input.fill("finance sales");
  const found = await texts(page, "#top-reports-rows tbody tr:not([hidden])");
  const isRight = (text) => /finance/i.test(text) && /sales/i.test(text);
  check("rows are filtered by all words", found.length > 0 && found.length < all && found.every(isRight), found);
  const text = await page.locator("#reports .filter span").textContent();
  check("the number of remaining rows is shown", text === `${found.length} of ${all} rows`, text);
  await input.fill("<script>");
  check("no row is like that", (await rows.count()) === 0);
  await input.fill("");
  check("without words the first rows are back", (await rows.count()) === first);
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

  await page.locator(`${VIEW} nav a`).last().focus();
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

  await page.locator(`${VIEW} .heat td[data-tip]`).nth(34).hover();
  check("an hour shows its value", /^Tue 10:00 to 10:59: average views .*, viewers .*$/.test(await tip.textContent()), await tip.textContent());
  await page.mouse.move(2, 2);
  await page.locator(`${VIEW} .heat td[data-tip]`).first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  check("hours are reached by arrows", (await tip.textContent()).startsWith("Tue 1:00"), await tip.textContent());
  await page.locator(`${VIEW} .about > summary`).click();
  await page.locator(`${VIEW} .month td.missing`).first().hover();
  check("a missing day says why", /missing, no events; /.test(await tip.textContent()), await tip.textContent());
}

async function periods(page) {
  const shown = () => page.locator(".view:not(.rest):visible").evaluateAll((all) => all.map((one) => one.className.split(" ")[1]));
  check("the page opens with the period of the command", (await shown()).join() === "whole", await shown());
  await page.getByText("7 days", { exact: true }).click();
  check("the switch shows another period", (await shown()).join() === "d7", await shown());
  const days = await page.locator(".view:visible #\\37 -days-views-rows tbody tr").count();
  check("with the rows of its days", days === 7, days);
  await page.locator("#period-d7").focus();
  await page.keyboard.press("ArrowRight");
  check("arrows change the period", (await shown()).join() === "d28", await shown());
  await page.getByText("90 days", { exact: true }).click();
}

async function exploring(page, name) {
  const detail = page.locator(".detail");
  const link = page.locator("#top-reports-rows a.item").first();
  const report = await link.textContent();
  const views = await link.locator("xpath=ancestor::tr").locator("td").nth(3).textContent();
  await link.scrollIntoViewIfNeeded();
  const scroll = await page.evaluate(() => window.scrollY);
  await link.focus();
  await page.keyboard.press("Enter");
  await detail.waitFor();
  check(`${name}: a link opens the details`, (await detail.locator("h2").textContent()) === report, report);
  check(`${name}: the address names the item`, /#report=.+/.test(page.url()), page.url());
  check(`${name}: the overview is hidden`, (await page.locator(".view:visible").count()) === 0);
  check(`${name}: the title of the window names it`, (await page.title()).startsWith(report));
  check(`${name}: the focus is on the name`, await detail.locator("h2").evaluate((one) => one === document.activeElement));
  const fact = await detail.locator("[data-fact=views] .value").textContent();
  check(`${name}: the details have the views of the table`, fact === views, { fact, views });
  check(`${name}: the days are drawn`, (await detail.locator(".plot svg:visible path.s1").getAttribute("d")).length > 10);
  await checkWidth(`${name}, details`, page);
  await accessible(`${name}, details`, page);

  const person = detail.locator(".of-viewers a.item").first();
  const viewer = await person.textContent();
  await person.click();
  await page.waitForFunction((text) => document.querySelector(".detail h2")?.textContent === text, viewer);
  check(`${name}: a viewer opens the person`, /#person=/.test(page.url()), page.url());
  await page.goBack();
  await page.waitForFunction((text) => document.querySelector(".detail h2")?.textContent === text, report);
  check(`${name}: back leads to the report`, /#report=/.test(page.url()), page.url());
  await detail.getByText("← Overview").click();
  await detail.waitFor({ state: "detached" });
  check(`${name}: back leads to the overview`, (await page.locator(VIEW).first().isVisible()));
  const after = await page.evaluate(() => window.scrollY);
  check(`${name}: at the place that was left`, Math.abs(after - scroll) < 3, { scroll, after });

  const search = page.getByRole("combobox");
  await search.fill(report.slice(0, 5).toLowerCase());
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("ArrowDown");
  const marked = await page.locator("[role=option][aria-selected=true] bdi").textContent();
  await page.keyboard.press("Enter");
  await detail.waitFor();
  check(`${name}: the search opens what was found`, (await detail.locator("h2").textContent()) === marked, marked);
  await search.fill("no such thing");
  check(`${name}: the search says that there is nothing`, (await page.getByText("Nothing found").count()) === 1);
  await page.keyboard.press("Escape");
  check(`${name}: Escape closes the search`, await page.locator("#found").isHidden());
  await page.goBack();
  await detail.waitFor({ state: "detached" });
}

/** Checks the details of a capacity, the way to its workspaces, and its address. */
async function capacities(page, name) {
  const detail = page.locator(".detail");
  const link = page.locator("#capacity-usage-rows a.item").first();
  const [capacity, cells] = [await link.textContent(), await link.locator("xpath=ancestor::tr").locator("td").allTextContents()];
  await link.focus();
  await page.keyboard.press("Enter");
  await detail.waitFor();
  check(`${name}: a capacity opens its details`, (await detail.locator("h2").textContent()) === capacity, capacity);
  check(`${name}: the address names the capacity`, /#capacity=.+/.test(page.url()), page.url());
  const facts = await Promise.all(["views", "users"].map((fact) => detail.locator(`[data-fact=${fact}] .value`).textContent()));
  check(`${name}: it has the figures of the table`, facts.join() === cells.slice(1, 3).join(), { facts, cells });
  check(`${name}: it has its first rank`, (await detail.locator("[data-fact=rank] .value").textContent()) === "1");
  const peak = await detail.locator("[data-fact=peak_start] .value").textContent();
  check(`${name}: its peak has a day and an hour`, /^\d+ \w{3,4} \d{4}, \d\d:00$/.test(peak), peak);
  for (const table of ["workspaces", "reports", "viewers", "clients", "distribution"]) {
    check(`${name}: a capacity has ${table}`, await detail.locator(`.of-${table} tbody tr`).first().isVisible());
  }
  await checkWidth(`${name}, capacity`, page);
  await accessible(`${name}, capacity`, page);
  const workspace = detail.locator(".of-workspaces a.item").first();
  const workspaceName = await workspace.textContent();
  await workspace.click();
  await page.waitForFunction((text) => document.querySelector(".detail h2")?.textContent === text, workspaceName);
  check(`${name}: its workspace opens`, /#workspace=/.test(page.url()), page.url());
  await page.goBack();
  await page.goBack();
  await detail.waitFor({ state: "detached" });
  const search = page.getByRole("combobox");
  check(`${name}: the search says what it finds`, /capacities$/.test(await search.getAttribute("aria-label")));
  await search.fill(capacity);
  const option = page.getByRole("option").filter({ hasText: "Capacity" }).first();
  await option.waitFor();
  await option.click();
  await detail.waitFor();
  check(`${name}: the search finds the capacity`, (await detail.locator("h2").textContent()) === capacity);
  await page.goBack();
  await detail.waitFor({ state: "detached" });
}

async function downloading(page) {
  const text = async (button) => {
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
  };
  const csv = await text(page.getByRole("button", { name: "Download CSV: Reports" }));
  const rows = await page.locator("#top-reports-rows tbody tr").count();
  const lines = csv.text.split("\r\n");
  check("a table is saved as CSV", csv.name === "reports.csv" && lines.length === rows + 2, { name: csv.name, lines: lines.length });
  check("with its titles", lines[0].replace("\ufeff", "").startsWith("Rank,Report,Workspace,Views"), lines[0]);
  const svg = await text(page.getByRole("button", { name: "Save SVG: Views over time" }));
  check("a chart is saved as SVG", svg.text.startsWith("<svg") && /stroke="rgb/.test(svg.text) && !svg.text.includes("class="), svg.text.slice(0, 200));
}

/** Checks the sections on an inventory: they are there for each period, and in one place. */
async function inventory(browser, url, folder) {
  for (const width of WIDTHS) {
    const opened = await open(browser, url, { width, colorScheme: "light" });
    const { page, context } = opened;
    const name = `inventory at ${width}`;
    const nav = page.locator("nav:visible");
    for (const [id, title] of [["unused", "Unused content"], ["licenses", "Licenses"]]) {
      await nav.getByRole("link", { name: title }).click();
      check(`${name}: the navigation leads to ${title}`, new URL(page.url()).hash === `#${id}`, page.url());
      check(`${name}: ${title} is visible`, await page.locator(`#${id} h2`).isVisible());
    }
    const table = "#license-summary-rows";
    const at = (await page.locator(`${table} th`).evaluateAll((all) => all.map((one) => one.dataset.column))).indexOf("reclaimable") + 1;
    for (const [order, sign] of [["descending", -1], ["ascending", 1]]) {
      await page.locator(`${table} th[data-column=reclaimable]`).getByRole("button").click();
      const values = (await texts(page, column(table, at))).map(number);
      check(`${name}: licenses are sorted, ${order}`, values.length > 2 && isSorted(values, sign) && new Set(values).size > 1, values);
    }
    await page.locator("#unused-items-rows th[data-column=item]").getByRole("button").click();
    const names = await texts(page, column("#unused-items-rows", 1));
    const sorted = [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" }));
    check(`${name}: items are sorted by name`, names.length > 2 && names.join("\n") === sorted.join("\n"), names);
    const button = page.getByRole("button", { name: "Download CSV: Unused reports" });
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    const csv = readFileSync(await download.path(), "utf8").replace("\ufeff", "").split("\r\n");
    const rows = await page.locator("#unused-reports-rows tbody tr").count();
    check(`${name}: unused reports are saved as CSV`, rows > 1 && csv.length === rows + 2 && csv[0].startsWith("Report,"), csv);
    const before = await page.locator("#unused").textContent();
    await page.getByText("7 days", { exact: true }).click();
    check(`${name}: the sections are there in another period`, (await page.locator("#unused").isVisible()) && (await page.locator("#unused").textContent()) === before);
    check(`${name}: one block on the data is shown`, (await page.locator(".about:visible").count()) === 1);
    const [licenses, about] = await Promise.all(["#licenses", ".about:visible"].map((one) => page.locator(one).boundingBox()));
    check(`${name}: it is below them`, about.y >= licenses.y + licenses.height, { licenses, about });
    await checkWidth(name, page);
    await accessible(name, page);
    await page.locator("#top-reports-rows:visible, #\\37 -days-top-reports-rows:visible").locator("a.item").first().click();
    await page.locator(".detail").waitFor();
    check(`${name}: details hide the sections`, (await page.locator("#unused").isHidden()) && (await page.locator(".view:visible").count()) === 0);
    await checkQuiet(name, url, opened);
    await context.close();
  }
  await looked(browser, url, "inventory", folder);
  const { context, page } = await open(browser, url, { javaScriptEnabled: false });
  check("without a script the inventory is there", await page.locator("#unused-reports-rows tbody tr").first().isVisible());
  await page.emulateMedia({ media: "print" });
  for (const [width, height] of [[703, 1000], [1032, 700]]) {
    await page.setViewportSize({ width, height });
    const wide = await page.locator(".view.rest:visible table:visible").evaluateAll(
      (all) => all.filter((one) => one.getBoundingClientRect().right > one.closest(".panel").getBoundingClientRect().right).map((one) => one.id));
    check(`on paper at ${width} no table of the inventory is cut off`, wide.length === 0, wide);
  }
  await context.close();
}

/** Compares the rows of details, as the browser has unpacked them, with those of the report. */
async function unpackedRows(page, pages, flags) {
  const link = page.locator("#top-reports-rows a.item").first();
  const id = (await link.locator("xpath=ancestor::td").getAttribute("data-item")).split("=")[1];
  await link.click();
  await page.locator(".detail").waitFor();
  const shown = await page.locator(".detail .of-viewers tbody tr").evaluateAll(
    (rows) => rows.map((row) => [...row.cells].map((cell) => cell.dataset.v ?? (cell.title || cell.textContent)).join()));
  const answer = JSON.parse(pages.run(["report", "top-users", "--report", id, "--format", "json", ...flags], [0]));
  const rows = answer.rows.slice(0, 20).map((row) => [row.user, row.views, row.active_days, row.last_seen].join());
  check("the browser unpacks the rows of the report", rows.length > 0 && shown.join("\n") === rows.join("\n"), { shown, rows });
  await page.goBack();
  await page.locator(".detail").waitFor({ state: "detached" });
}

/** Checks addresses that name an item, and browsers and items without details. */
async function addresses(browser, url) {
  const opened = await open(browser, url);
  const item = await opened.page.locator(`${VIEW} [data-item^=workspace]`).first().getAttribute("data-item");
  await opened.context.close();
  const [kind, id] = item.split("=");
  for (const [name, target, text, script] of [
    ["an address opens the details", `#${kind}=${encodeURIComponent(id)}`, "Views by day", null],
    ["an unknown item is explained", "#report=nothing", "no details of it", null],
    ["an old browser is explained", `#${kind}=${encodeURIComponent(id)}`, "cannot unpack the details", "delete window.DecompressionStream"],
  ]) {
    const context = await browser.newContext();
    const page = await context.newPage();
    if (script) await page.addInitScript(script);
    await page.goto(url + target);
    await page.locator(".detail").waitFor();
    check(name, (await page.locator(".detail").textContent()).includes(text));
    await context.close();
  }
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
  const { found, passed } = await page.evaluate(async () => {
    const { violations, passes } = await window.axe.run();
    return { found: violations, passed: passes.length };
  });
  const grave = found.filter((violation) => ["serious", "critical"].includes(violation.impact));
  const details = grave.map(({ id, nodes }) => [id, nodes.length, nodes[0].html, nodes[0].failureSummary]);
  check(`${name}: accessible`, grave.length === 0, details);
  check(`${name}: rules were checked`, passed > 20, passed);
}

async function withoutScript(browser, url) {
  const { context, page } = await open(browser, url, { javaScriptEnabled: false });
  await page.locator(`${VIEW} .about > summary`).click();
  for (const selector of ["#views svg.wide path.s1", "#active svg.wide path.s3", "#growth svg.wide", ".spark svg path", ".heat td", ".month td"]) {
    check(`without a script ${selector} is there`, await page.locator(`${VIEW} ${selector}`).first().isVisible());
  }
  await page.getByText("7 days", { exact: true }).click();
  check("without a script the period can be changed", (await page.locator(".view.d7").first().isVisible()) && (await page.locator(VIEW).first().isHidden()));
  await page.getByText("90 days", { exact: true }).click();
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
  check("on paper there is nothing to click", await page.locator("nav, .switches, .filter, .tools, .show-all, .panel details").evaluateAll(
    (all) => all.every((one) => getComputedStyle(one).display === "none")));
  const side = page.locator("#workspace-usage th.side, #exports th.side, #shared th.side, #top-reports th.spark, #top-users th.side");
  const shown = await side.evaluateAll((all) => all.filter((one) => getComputedStyle(one).display !== "none").length);
  check("on paper there are the columns of the wide layout", shown > 6 && shown === await side.count(), shown);
  const clipped = await page.locator(`${VIEW} .scroll`).evaluateAll(
    (all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-labelledby")));
  check("on paper no table is cut off", clipped.length === 0, clipped);
  const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  check("it is printed on a few pages", pages > 2 && pages < 20, pages);
  writeFileSync(name, pdf);
  await page.setViewportSize({ width: 1032, height: 700 });
  await checkWidth("on paper in landscape", page);
  const heads = page.locator(`${VIEW} > section table[data-of] th`);
  const hidden = await heads.evaluateAll((all) => all.filter((one) => !one.closest("details") && getComputedStyle(one).display === "none").map((one) => one.dataset.column));
  check("on paper in landscape there are all columns", hidden.length === 0 && (await heads.count()) > 60, hidden);
  const wide = await page.locator(`${VIEW} .scroll`).evaluateAll(
    (all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-labelledby")));
  check("on paper in landscape no table is cut off", wide.length === 0, wide);
  const landscape = await page.pdf({ format: "A4", landscape: true, preferCSSPageSize: true });
  const [across, down] = (landscape.toString("latin1").match(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/) ?? []).slice(1).map(Math.round);
  check("the reader can choose landscape", Math.abs(across - 842) <= 1 && Math.abs(down - 595) <= 1, { across, down });
  writeFileSync(name.replace(".pdf", "-landscape.pdf"), landscape);
  await context.close();
}

/** Checks that no table between a tablet and a large screen hides its last columns. Only that of
 * cohorts has as many columns as the log has months. */
async function uncut(browser, url) {
  const { context, page } = await open(browser, url);
  for (const width of [1100, 1280, 1366, 1920]) {
    await page.setViewportSize({ width, height: 900 });
    const clipped = await page.locator(`${VIEW} .scroll:visible`).evaluateAll(
      (all) => all.filter((one) => !one.closest("details") && !one.querySelector(".cohorts") && one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-labelledby")));
    check(`at ${width} no table is cut off`, clipped.length === 0, clipped);
  }
  await context.close();
}

/** Prints a page with the program itself, which runs the installed browser. */
function printedByProgram(pages, store, name) {
  const flags = ["--store", store, "--since", "28d", "--browser", browserPath(), "--output", name];
  pages.run(["dashboard", ...flags], [0]);
  const pdf = readFileSync(name).toString("latin1");
  check("the program writes a PDF", pdf.startsWith("%PDF"));
  const count = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  check("its PDF has a few pages", count > 2 && count < 20, count);
  const [width, height] = (pdf.match(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/) ?? []).slice(1).map(Math.round);
  check("its PDF is A4", Math.abs(width - 595) <= 1 && Math.abs(height - 842) <= 1, { width, height });
}

/** Checks the days of a file: lines in the charts, and a list below them. */
async function marked(browser, url) {
  for (const width of WIDTHS) {
    const { context, page } = await open(browser, url, { width });
    const size = width < 700 ? "narrow" : "wide";
    check(`a day is marked at ${width}`, await page.locator(`#views svg.${size} text.mark-text`).isVisible());
    const listed = await texts(page, "#views .marks li");
    const outside = "1 of 2 marked days is outside this chart.";
    check(`it is listed at ${width}`, listed.length === 2 && listed[0].includes("Training & <b>more</b>"), listed);
    check(`a day outside is counted at ${width}`, listed[1] === outside, listed);
    await page.locator(`${VIEW} .about > summary`).click();
    const named = page.locator(`${VIEW} .facts li`).filter({ hasText: "outside this period: 1 May 2025 (Migration)" });
    check(`it is named at ${width}`, await named.isVisible());
    await checkWidth(`marked at ${width}`, page);
    await accessible(`marked at ${width}`, page);
    await context.close();
  }
}

/** Checks the index of a site and one of its pages. */
async function site(browser, pages, store) {
  const folder = join(pages.folder, "site");
  const flags = ["--store", store, "--since", "28d", "--workspace", "F*", "--output-dir", folder];
  pages.run(["dashboard", ...flags], [0]);
  const url = pathToFileURL(join(folder, "index.html")).href;
  const opened = await open(browser, url, { width: 390 });
  await checkQuiet("the index", url, opened);
  await checkWidth("the index", opened.page);
  await accessible("the index", opened.page);
  const link = opened.page.locator("main a").first();
  const name = await link.textContent();
  await link.click();
  check("the index leads to the page of a workspace", (await opened.page.title()).includes(name), name);
  await opened.context.close();
}

async function looked(browser, url, name, folder) {
  for (const [look, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", width: 390, height: 844 }],
    ["tablet", { colorScheme: "light", width: 768, height: 1024 }],
    ["large", { colorScheme: "light", width: 1920, height: 1080 }],
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

    const book = new PictureBook(browser, STORED_PICTURES, folder, flags.includes("--renew"));
    await book.open();
    await pictured(open, browser, urls.lately, book);
    await comparing(open, browser, urls.lately, book);

    const opened = await open(browser, urls.lately, { colorScheme: "light" });
    const { page, seen } = opened;
    const opening = await page.evaluate(() => Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd));
    console.log(`opened in ${opening} ms`);
    await values(page);
    await sorting(page);
    await filtering(page);
    await themes(page, "with the script");
    await periods(page);
    await downloading(page);
    await exploring(page, "wide");
    await capacities(page, "wide");
    await unpackedRows(page, pages, ["--store", stores.year, ...lately]);
    await checkQuiet("after all of it", urls.lately, opened);
    await policy(page, seen);
    await opened.context.close();

    const phone = await open(browser, urls.lately, { width: 390, height: 844 });
    await exploring(phone.page, "narrow");
    await capacities(phone.page, "narrow");
    await phone.page.locator("#top-reports-rows a.item").first().click();
    await phone.page.locator(".detail").waitFor();
    await phone.page.screenshot({ path: join(folder, "detail-narrow.png"), fullPage: true });
    await phone.context.close();
    await addresses(browser, urls.lately);
    await withoutScript(browser, urls.lately);
    await printed(browser, urls.lately, join(folder, "lately.pdf"));
    printedByProgram(pages, stores.year, join(folder, "program.pdf"));
    const events = join(pages.folder, "events.csv");
    writeFileSync(events, "date,label\n2026-02-02,Training & <b>more</b>\n2025-05-01,Migration\n");
    await marked(browser, pages.page("marked", ["--store", stores.year, "--since", "28d", "--events", events]));
    await site(browser, pages, stores.year);
    const samples = pages.store("samples", SAMPLES);
    const sampled = pages.page("samples", ["--store", samples]);
    await printed(browser, sampled, join(folder, "samples.pdf"));
    for (const url of [urls.lately, sampled]) await uncut(browser, url);
    await inventory(browser, pages.page("inventory", ["--store", samples, "--unused-days", "28", "--until", "2026-03-23"]), folder);
  } finally {
    await browser.close();
    pages.remove();
  }
}

await all();
process.exit(account());
