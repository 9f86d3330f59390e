// Writes docs/images/dashboard.png: the top of the dashboard of the sample data, with the values of
// a day. Usage: picture.mjs PROGRAM, from the root of the repository.

import { join } from "node:path";
import { Pages, launch, open } from "./harness.mjs";

const [, , program] = process.argv;
if (!program) {
  console.error("usage: picture.mjs PROGRAM");
  process.exit(2);
}
const pages = new Pages(program);
const browser = await launch();
try {
  const store = pages.store("sample", "sample-data");
  const url = pages.page("sample", ["--store", store, "--since", "30d"]);
  const { page } = await open(browser, url, { width: 1200, height: 900, colorScheme: "light" });
  const plot = await page.locator("#views .plot").boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.6, plot.y + plot.height / 2);
  await page.screenshot({ path: join("docs", "images", "dashboard.png") });
} finally {
  await browser.close();
  pages.remove();
}
