// Compares pictures of a page with the ones in the folder `pictures`, with a tolerance for fonts.
//
// A stored picture has half the width and height of the window. Blocks of 8 by 8 pixels of the
// window are compared by their average color, since another version of a font draws other edges of
// letters. A picture differs if more than a small share of its blocks differ.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { check } from "./harness.mjs";

/** The number of pixels of the window per pixel of a stored picture, in each direction. */
const SCALE = 2;

/** The number of pixels of a stored picture per block, in each direction. */
const BLOCK = 4;

/** The smallest difference of a color (0 to 255) that makes a block differ. */
const MIN_DIFFERENCE = 22;

/** The largest share of blocks that may differ. */
export const TOLERANCE = 0.012;

/** The largest size of a stored picture. */
const MAX_BYTES = 60_000;

const dataUrl = (png) => `data:image/png;base64,${png.toString("base64")}`;
const bytesOf = (url) => Buffer.from(url.slice(url.indexOf(",") + 1), "base64");

/** Runs in the browser: adds the functions on pictures to an empty page. */
function addTools() {
  const pixelsOf = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  };
  // The average color of each square; those at the right and lower edge may be smaller.
  const averages = ({ width, height, data }, side) => {
    const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
    const sums = new Float64Array(columns * rows * 4);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const to = (Math.floor(y / side) * columns + Math.floor(x / side)) * 4;
        const from = (y * width + x) * 4;
        for (let channel = 0; channel < 3; channel += 1) sums[to + channel] += data[from + channel];
        sums[to + 3] += 1;
      }
    }
    for (let at = 0; at < sums.length; at += 4) {
      for (let channel = 0; channel < 3; channel += 1) sums[at + channel] /= sums[at + 3];
    }
    return { columns, rows, sums };
  };
  const draw = (width, height, color) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let at = 0; at < image.data.length; at += 4) image.data.set([...color(at / 4), 255], at);
    context.putImageData(image, 0, 0);
    return canvas.toDataURL("image/png");
  };
  // Fewer colors make smaller files, and no visible difference.
  const rounded = (value) => Math.min(255, Math.round(value / 10) * 10);
  window.shrink = async (url, scale) => {
    const { columns, rows, sums } = averages(await pixelsOf(url), scale);
    return draw(columns, rows, (at) => [0, 1, 2].map((channel) => rounded(sums[at * 4 + channel])));
  };
  window.compare = async (expectedUrl, actualUrl, block, least) => {
    const [expected, actual] = [await pixelsOf(expectedUrl), await pixelsOf(actualUrl)];
    if (expected.width !== actual.width || expected.height !== actual.height) {
      const size = ({ width, height }) => `${width} x ${height}`;
      return { share: 1, reason: `the size is ${size(actual)} in place of ${size(expected)}`, difference: actualUrl };
    }
    const [before, after] = [averages(expected, block), averages(actual, block)];
    const differs = (at) => [0, 1, 2].some((channel) => Math.abs(before.sums[at * 4 + channel] - after.sums[at * 4 + channel]) >= least);
    const all = before.columns * before.rows;
    const found = new Set(Array.from({ length: all }, (_, at) => at).filter(differs));
    // Differing blocks are red on a pale copy of the actual picture.
    const difference = draw(actual.width, actual.height, (at) => {
      const [x, y] = [at % actual.width, Math.floor(at / actual.width)];
      const isRed = found.has(Math.floor(y / block) * before.columns + Math.floor(x / block));
      const gray = [0, 1, 2].reduce((sum, channel) => sum + actual.data[at * 4 + channel], 0) / 3;
      const pale = 150 + gray * 0.4;
      return isRed ? [225, pale * 0.3, pale * 0.3] : [pale, pale, pale];
    });
    return { share: found.size / all, reason: "", difference };
  };
}

/** The stored pictures, and the folder for those that differ. */
export class PictureBook {
  constructor(browser, stored, output, isRenewing) {
    Object.assign(this, { browser, stored, output, isRenewing });
  }

  async open() {
    this.page = await (await this.browser.newContext()).newPage();
    await this.page.evaluate(addTools);
    mkdirSync(this.stored, { recursive: true });
  }

  /** Returns the part of a page in the window, in the size of stored pictures. */
  async take(page) {
    const png = await page.screenshot({ animations: "disabled", caret: "hide" });
    return bytesOf(await this.page.evaluate(([url, scale]) => window.shrink(url, scale), [dataUrl(png), SCALE]));
  }

  /** Compares two pictures: the share of blocks that differ, and a picture of them. */
  async compare(expected, actual) {
    const urls = [dataUrl(expected), dataUrl(actual)];
    const found = await this.page.evaluate(([a, b, block, least]) => window.compare(a, b, block, least), [...urls, BLOCK, MIN_DIFFERENCE]);
    return { ...found, difference: bytesOf(found.difference) };
  }

  /** Compares a page with its stored picture, or stores it. */
  async check(name, page) {
    const actual = await this.take(page);
    const file = join(this.stored, `${name}.png`);
    if (this.isRenewing) writeFileSync(file, actual);
    if (!existsSync(file)) {
      check(`the picture ${name} is stored`, false, `${file} does not exist; --renew writes it`);
      return;
    }
    const expected = readFileSync(file);
    check(`the picture ${name} is small`, expected.length < MAX_BYTES, expected.length);
    const { share, reason, difference } = await this.compare(expected, actual);
    const files = ["actual", "difference"].map((kind) => join(this.output, `${name}-${kind}.png`));
    for (const old of files) rmSync(old, { force: true });
    if (share <= TOLERANCE) {
      check(`the picture ${name} is as stored`, true);
      return;
    }
    [actual, difference].forEach((png, at) => writeFileSync(files[at], png));
    const percent = (number) => `${(number * 100).toFixed(1)} %`;
    check(`the picture ${name} is as stored`, false, {
      differing: reason || `${percent(share)} of the blocks, ${percent(TOLERANCE)} are allowed`,
      expected: file,
      actual: files[0],
      difference: files[1],
      advice: "if the change is intended, run with --renew and look at the new picture",
    });
  }
}

/** Opens a page in a window, with a text in place of the day on which it was created. */
async function prepared(open, browser, url, options) {
  const opened = await open(browser, url, { reducedMotion: "reduce", ...options });
  await opened.page.locator("header .context").evaluate((one) => {
    one.textContent = one.textContent.replace(/Generated on [^.]*\./, "Generated on 1 January 2026.");
  });
  return opened;
}

const SIZES = [[1280, 800], [390, 844]];

/** Compares the first screen and the details of a page in two sizes, light and dark. */
export async function pictured(open, browser, url, book) {
  for (const [width, height] of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const { context, page } = await prepared(open, browser, url, { width, height, colorScheme });
      await book.check(`first-${width}-${colorScheme}`, page);
      if (colorScheme === "light") {
        await page.locator("#workspace-usage-rows a.item").first().click();
        await page.locator(".detail").waitFor();
        await book.check(`detail-${width}-${colorScheme}`, page);
      }
      await context.close();
    }
  }
}

/** Changes to the first screen that the comparison must find, and such as other fonts cause. */
const DAMAGE = [
  ["a panel that moved", () => { document.querySelector(".view.opened .figures").style.marginTop = "24px"; }],
  ["a chart that is lost", () => { document.querySelector(".view.opened .plot .wide").style.visibility = "hidden"; }],
  ["key figures that are lost", () => { document.querySelector(".view.opened .figures").style.visibility = "hidden"; }],
  ["a summary that is lost", () => { document.querySelector(".view.opened .answer").style.visibility = "hidden"; }],
  ["colors of the other theme", () => { document.documentElement.style.colorScheme = "dark"; }],
];
const HARMLESS = [
  ["thinner letters", () => { document.body.style.opacity = "0.97"; }],
  ["letters between two pixels", () => { document.body.style.transform = "translate(0.4px, 0.4px)"; }],
  ["slightly wider letters", () => { document.body.style.letterSpacing = "0.05px"; }],
];

/** Checks the comparison itself: it finds damage, and nothing else. */
export async function comparing(open, browser, url, book) {
  const { context, page } = await prepared(open, browser, url, { colorScheme: "light" });
  const whole = await book.take(page);
  for (const [changes, isFound] of [[DAMAGE, true], [HARMLESS, false]]) {
    for (const [name, change] of changes) {
      const changed = await prepared(open, browser, url, { colorScheme: "light" });
      await changed.page.evaluate(change);
      const { share } = await book.compare(whole, await book.take(changed.page));
      const verb = isFound ? "finds" : "tolerates";
      check(`the comparison ${verb} ${name}`, (share > TOLERANCE) === isFound, share);
      if (process.env.PICTURE_SHARES) console.log(`${name}: ${(share * 100).toFixed(2)} %`);
      await changed.context.close();
    }
  }
  await context.close();
}
