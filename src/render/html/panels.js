
// Tools of a panel: its rows as CSV, its chart as SVG.

/** Returns a table as CSV. Text that a spreadsheet would read as a formula has an apostrophe. */
function toCsv(table) {
  const value = (cell) => {
    if (cell.tagName === "TH") return cell.textContent.trim();
    return cell.dataset.v || cell.title && cell.classList.contains("t") && cell.title || cell.textContent;
  };
  const quoted = (text) => {
    const isNumber = text !== "" && Number.isFinite(Number(text));
    const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const line = (row) => [...row.cells].filter((cell) => !cell.classList.contains("spark")).map(value).map(quoted).join(",");
  // Excel needs the byte order mark to read UTF-8.
  return `\ufeff${[...table.rows].map(line).join("\r\n")}\r\n`;
}

const COPIED_STYLES = ["fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "font-family", "font-size", "text-anchor"];

/** Returns a chart as SVG that needs no style sheet. */
function toSvg(svg) {
  const copy = svg.cloneNode(true);
  copy.querySelector(".cursor")?.remove();
  const originals = [...svg.querySelectorAll("*")].filter((one) => !one.classList.contains("cursor"));
  [...copy.querySelectorAll("*")].forEach((one, at) => {
    const style = getComputedStyle(originals[at]);
    for (const name of COPIED_STYLES) one.setAttribute(name, style.getPropertyValue(name));
    one.removeAttribute("class");
  });
  for (const { name } of [...copy.attributes]) if (name !== "viewBox") copy.removeAttribute(name);
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  copy.setAttribute("width", width / 10);
  copy.setAttribute("height", height / 10);
  const sheet = document.createElementNS(svg.namespaceURI, "rect");
  sheet.setAttribute("width", width);
  sheet.setAttribute("height", height);
  sheet.setAttribute("fill", getComputedStyle(svg.closest(".panel")).backgroundColor);
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}

/** Saves a text as a file. */
function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function fileName(title, extension) {
  return `${title.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "table"}.${extension}`;
}

function addTools(panel) {
  const table = panel.querySelector("table[data-of], .heat, .cohorts");
  const drawn = () => [...panel.querySelectorAll(".plot svg")].find((svg) => svg.getBoundingClientRect().width > 0);
  if (!table) return;
  const title = (panel.querySelector("h3") ?? panel.closest("section, .detail").querySelector("h2")).textContent;
  const tools = element("div", "tools");
  const tool = (label, name, act) => {
    const button = element("button", "tool", label);
    button.type = "button";
    button.setAttribute("aria-label", `${name}: ${title}`);
    button.title = name;
    button.addEventListener("click", () => {
      act();
      announcer.textContent = `${name}: ${title}.`;
    });
    tools.append(button);
  };
  tool("CSV", "Download CSV", () => save(fileName(title, "csv"), "text/csv", toCsv(table)));
  if (panel.querySelector(".plot svg")) {
    tool("SVG", "Save SVG", () => save(fileName(title, "svg"), "image/svg+xml", toSvg(drawn())));
  }
  panel.prepend(tools);
}
