
// Details: a link on a report, workspace, person or capacity opens its detail view, which is drawn
// from the packed data of the period. Every number in it is in this data.

const DETAIL = /^#(report|workspace|person|capacity)=(.+)$/;
const KIND_NAMES = { report: "Report", workspace: "Workspace", person: "Person", capacity: "Capacity" };
const KIND_PLURALS = { report: "reports", workspace: "workspaces", person: "people", capacity: "capacities" };
const NO_UNPACKING = "This browser cannot unpack the details. Use a browser from 2023 or later: Chrome or Edge 80, Firefox 113, Safari 16.4.";
const NO_DETAILS = "There are no details of it for this period on this page. It may have no views in the period, or be one of the less viewed items, which the page leaves out.";
const SHAPES = document.querySelector("svg")?.namespaceURI;
const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });
const main = document.getElementById("main");
const baseTitle = document.title;
const packed = new Map([...document.querySelectorAll(".details")].map((node) => [node.dataset.period, node]));
let unpacking = null;
let overviewScroll = 0;
let openedFrom = null;

/** Returns the key of the chosen period. */
function currentPeriod() {
  const chosen = document.querySelector("[name=period]:checked")?.id.replace("period-", "");
  return chosen ?? [...packed.keys()].at(-1);
}

/** Returns the details of a period; null if there are none. Those of all periods are unpacked once. */
async function details(period) {
  unpacking ??= unpackAll();
  return (await unpacking).get(period) ?? null;
}

async function unpackAll() {
  const texts = [];
  const all = new Map();
  // Periods name texts of the periods before.
  for (const [period, node] of packed) all.set(period, readPeriod(await unpack(node.textContent), texts));
  return all;
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** Returns the details of a period from their columns. `texts` has those of the periods before. */
function readPeriod(data, texts) {
  let next = texts.length;
  for (const text of data.texts) texts.push(text);
  const text = (reference) => (reference === null ? null : reference ? texts[reference - 1] : texts[next++]);
  const readColumn = ([type, values, rests]) => {
    if (type === "s") return values.map(text);
    if (type === "n") return values;
    const offsets = rests.map(text);
    let known = 0;
    return values.map((seconds) => {
      if (seconds === null) return null;
      const offset = offsets.length === 1 ? offsets[0] : offsets[known++];
      return new Date((data.end - seconds) * 1000).toISOString().slice(0, 19) + offset;
    });
  };
  const positions = (gaps) => {
    let at = -1;
    return gaps.map((gap) => (at += gap + 1));
  };
  const [kinds, ids, names, places] = data.items.map((references) => references.map(text));
  const items = kinds.map((kind, at) => ({
    kind, id: ids[at], name: names[at], place: places[at], facts: [], tables: [],
    compared: data.compared[at], views: data.views[at], before: data.before[at],
  }));
  for (const group of data.facts) {
    const columns = group.columns.map(readColumn);
    positions(group.items).forEach((at, row) => {
      items[at].facts = group.names.map(([name, title], column) => [name, title, columns[column][row]]);
    });
  }
  for (const table of data.tables) {
    const texts = table.texts.map(readColumn);
    const others = table.others.map(readColumn);
    let [known, row] = [0, 0];
    positions(table.items).forEach((at, place) => {
      const rows = Array.from({ length: table.rows[place] }, () => {
        const picked = table.picked[row] ? table.picked[row] - 1 : known++;
        const cells = Array.from(table.columns, () => undefined);
        table.text_at.forEach((column, number) => { cells[column] = texts[number][picked]; });
        let other = 0;
        for (let column = 0; column < cells.length; column += 1) {
          if (cells[column] === undefined) cells[column] = others[other++][row];
        }
        row += 1;
        return cells;
      });
      items[at].tables.push({ name: table.name, of: rows.length + table.more[place], rows });
    });
  }
  return { ...data, items, byId: new Map(items.map((item) => [`${item.kind}=${item.id}`, item])) };
}

/** Returns a link to a detail view. */
function itemLink(key, ...content) {
  const link = document.createElement("a");
  const at = key.indexOf("=");
  link.href = `#${key.slice(0, at)}=${encodeURIComponent(key.slice(at + 1))}`;
  link.className = "item";
  link.append(...content);
  return link;
}

function shownDay(text) {
  const [year, month, day] = text.split("-").map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

/** Returns a number, day or text as a table cell. */
function cell(value, name, key, data) {
  const isTime = typeof value === "string" && /^\d{4}-\d\d-\d\d(T|$)/.test(value);
  const isNumber = typeof value === "number";
  const created = element("td", isNumber ? "n" : isTime ? "d" : "t");
  if (value === null) {
    created.dataset.v = "";
    created.textContent = "–";
  } else if (isNumber) {
    created.dataset.v = value;
    created.textContent = number(value);
  } else if (isTime) {
    created.dataset.v = value;
    created.title = value.slice(0, 16).replace("T", " ");
    created.textContent = value.slice(0, 10);
  } else {
    const text = element("bdi", "", value.length > 200 ? `${value.slice(0, 200)}…` : value);
    if (value.length > 20) created.title = value;
    created.append(key && data.byId.has(key) ? itemLink(key, text) : text);
  }
  return created;
}

/** Returns the key of the item that a cell names, if it can be one. */
function keyOf(name, row, columns) {
  const at = (column) => columns.findIndex(([found]) => found === column);
  const key = (kind, column) => (typeof row[at(column)] === "string" ? `${kind}=${row[at(column)]}` : null);
  if (name === "user" || name === "shared_by") return key("person", name);
  if (name === "report") return key("report", "report_id");
  if (name === "item") return key("report", "item_id");
  if (name === "workspace") return key("workspace", "workspace_id");
  return null;
}

/** Returns a panel with a table of an item. */
function tablePanel(table, kind, data) {
  const panel = element("div", `panel of-${kind.name}`);
  panel.append(Object.assign(element("h3", "", kind.title), { id: `detail-${kind.name}-title` }));
  const shown = kind.columns.map((column, at) => [...column, at]).filter(([name]) => !name.endsWith("_id"));
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-labelledby", `detail-${kind.name}-title`);
  const created = element("table");
  created.dataset.of = table.of;
  created.dataset.short = "";
  const head = created.createTHead().insertRow();
  const body = created.createTBody();
  for (const row of table.rows) {
    const line = body.insertRow();
    for (const [name, , at] of shown) line.append(cell(row[at], name, keyOf(name, row, kind.columns), data));
  }
  shown.forEach(([name, title], at) => {
    const cells = [...body.rows].map((row) => row.cells[at]);
    const type = ["n", "d"].find((type) => cells.some((one) => one.classList.contains(type))) ?? "t";
    for (const one of cells) one.className = type;
    const th = element("th", type, title);
    th.scope = "col";
    th.dataset.column = name;
    head.append(th);
  });
  scroll.append(created);
  panel.append(scroll);
  if (table.of > table.rows.length) {
    panel.append(element("p", "more", `The first ${table.rows.length} of ${number(table.of)} rows.`));
  }
  return panel;
}

function shape(name, attributes, text = "") {
  const created = document.createElementNS(SHAPES, name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.textContent = text;
  return created;
}

/** Returns round whole numbers from zero to `most`. */
function ticks(most) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(most / 5)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 5);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}

/** Returns a chart of the views by day, with those of the previous period as a line. */
function viewsChart(item, data, [width, height], className) {
  const [left, right, top, bottom] = [460, width - 160, 100, height - 240];
  const rows = item.views.length;
  const most = Math.max(5, ...item.views, ...item.before) * 1.06;
  const x = (at) => Math.round(left + ((at + 0.5) * (right - left)) / rows);
  const y = (value) => Math.round(bottom - (value / most) * (bottom - top));
  const svg = shape("svg", { class: className, viewBox: `0 0 ${width} ${height}`, "data-left": left, "data-right": right, "aria-hidden": "true" });
  const half = (right - left) / rows / 2;
  for (const at of data.incomplete) {
    svg.append(shape("path", { class: "partial", d: `M${x(at) - half} ${top}H${x(at) + half}V${bottom}H${x(at) - half}Z` }));
  }
  for (const tick of ticks(most)) {
    svg.append(shape("path", { class: tick ? "mesh" : "axis", d: `M${left} ${y(tick)}H${right}` }));
    svg.append(shape("text", { class: "label", x: left - 80, y: y(tick) + 40, "text-anchor": "end" }, number(tick)));
  }
  const labels = Math.max(1, Math.ceil(rows / (width / 1000)));
  for (let at = 0; at < rows; at += labels) {
    const day = shownDay(data.days[at]).replace(/ \d{4}$/, "");
    svg.append(shape("text", { class: "label", x: x(at), y: bottom + 160, "text-anchor": "middle" }, day));
  }
  const bars = item.views.map((value, at) => (value > 0 ? `M${x(at)} ${bottom}V${y(value)}` : "")).join("");
  svg.append(shape("path", { class: "s1", d: bars, "stroke-width": Math.min(220, Math.max(6, half * 1.4)) }));
  let isDrawn = false;
  const line = item.before.slice(0, rows).map((value, at) => {
    const command = value === null ? "" : `${isDrawn ? "L" : "M"}${x(at)} ${y(value)}`;
    isDrawn = value !== null;
    return command;
  }).join("");
  svg.append(shape("path", { class: "s3 earlier", d: line, "stroke-width": 15 }));
  svg.append(shape("path", { class: "cursor", d: `M0 0V${height}` }));
  return svg;
}

/** Returns the day after a number of days. */
function dayAfter(text, days) {
  const date = new Date(`${text}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Returns the panel of the views by day: chart, legend, and the values as a table. */
function viewsPanel(item, data) {
  const panel = element("div", "panel");
  panel.append(Object.assign(element("h3", "", "Views by day"), { id: "detail-days-title" }));
  const hasEarlier = data.earlier !== null;
  const legend = element("ul", "legend");
  const entry = (className, text) => {
    const line = element("li");
    line.append(element("span", className), text);
    legend.append(line);
  };
  entry("block s1", "This period");
  if (hasEarlier) entry("line s3", "The period before");
  if (data.incomplete.length) entry("area partial", "Incomplete days");
  const plot = element("div", "plot");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `Views by day. The table below has all values.`);
  plot.dataset.rows = "detail-days-rows";
  plot.append(viewsChart(item, data, [10400, 2400], "wide"), viewsChart(item, data, [3400, 2000], "narrow"));
  const kind = { name: "days", title: "Views by day", columns: [["date", "Date"], ["views", "Views"]] };
  if (hasEarlier) kind.columns.push(["earlier_date", "Date before"], ["earlier_views", "Views before"]);
  const rows = data.days.map((day, at) => {
    const row = [day, item.views[at]];
    return hasEarlier ? [...row, dayAfter(data.earlier, at), item.before[at] ?? null] : row;
  });
  const table = tablePanel({ of: rows.length, rows }, kind, data).querySelector(".scroll");
  table.querySelector("table").id = "detail-days-rows";
  delete table.querySelector("table").dataset.short;
  const folded = element("details");
  folded.append(element("summary", "", "Show values as a table"), table);
  panel.append(legend, plot, folded);
  return panel;
}

/** Returns the text of a key figure. */
function factText(name, value) {
  if (value === null) return "–";
  if (name === "busiest_hour") return `${value}:00`;
  if (name === "peak_start") return `${shownDay(value.slice(0, 10))}, ${value.slice(11)}`;
  if (typeof value === "number") return number(value);
  return /^\d{4}-\d\d-\d\d/.test(value) ? shownDay(value.slice(0, 10)) : value;
}

/** Returns the key figures of an item. */
function factsList(item, data) {
  const list = element("ul", "item-facts");
  for (const [name, title, value] of item.facts) {
    const line = element("li");
    line.dataset.fact = name;
    line.append(element("span", "label", title), " ", element("strong", "value", factText(name, value)));
    if (name === "views" && item.compared) {
      const [now, before] = item.compared;
      const note = now === value ? `from ${number(before)}` : `from ${number(before)} to ${number(now)} on comparable days`;
      line.append(" ", element("span", "before", note));
    }
    list.append(line);
  }
  return list;
}

/** Returns the detail view of an item. */
function detailView(item, data) {
  const kind = new Map(data.tables.map((table) => [table.name, table]));
  const panels = element("div", "panels");
  for (const table of item.tables) panels.append(tablePanel(table, kind.get(table.name), data));
  return [factsList(item, data), viewsPanel(item, data), panels];
}

/** Returns the frame of a detail view: the way back, the kind and the name. */
function frame(kind, name, place) {
  const view = element("article", "detail");
  const back = element("a", "back", "← Overview");
  back.href = "#";
  back.addEventListener("click", (event) => {
    event.preventDefault();
    if (openedFrom) history.back();
    else location.hash = "#main";
  });
  const title = element("h2");
  title.id = "detail-title";
  title.tabIndex = -1;
  title.append(element("bdi", "", name));
  view.setAttribute("aria-labelledby", title.id);
  const period = document.querySelector(`.view.${CSS.escape(currentPeriod())} .period`)?.textContent ?? "";
  const lead = element("p", "lead", `${KIND_NAMES[kind]} · ${period}`);
  if (place) lead.append(" · ", element("bdi", "", place));
  view.append(back, title, lead);
  return view;
}

let opening = 0;

/** Shows the detail view or the overview, as the address says. */
async function route() {
  const turn = ++opening;
  const match = DETAIL.exec(location.hash);
  if (!match) return closeDetail();
  const key = `${match[1]}=${decodeURIComponent(match[2])}`;
  let content = [element("p", "none", NO_DETAILS)];
  let item;
  if (typeof DecompressionStream === "undefined") {
    content = [element("p", "none", NO_UNPACKING)];
  } else {
    const data = await details(currentPeriod());
    item = data?.byId.get(key);
    if (turn !== opening) return;
    if (item) content = detailView(item, data);
  }
  const view = frame(match[1], item?.name ?? decodeURIComponent(match[2]), item?.place);
  view.append(...content);
  if (!main.querySelector(".detail")) overviewScroll = window.scrollY;
  main.querySelector(".detail")?.remove();
  main.append(view);
  main.classList.add("exploring");
  enhance(view);
  document.title = `${view.querySelector("h2").textContent}, ${baseTitle}`;
  window.scrollTo({ top: 0, behavior: "instant" });
  view.querySelector("h2").focus({ preventScroll: true });
}

function closeDetail() {
  const view = main.querySelector(".detail");
  if (!view) return;
  view.remove();
  main.classList.remove("exploring");
  document.title = baseTitle;
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (target && target !== main) target.scrollIntoView();
  else window.scrollTo({ top: overviewScroll, behavior: "instant" });
  if (openedFrom?.isConnected) openedFrom.focus({ preventScroll: true });
  openedFrom = null;
}

/** Makes links of the cells that name an item with details. */
function linkItems() {
  for (const one of document.querySelectorAll("td[data-item]")) one.append(itemLink(one.dataset.item, ...one.childNodes));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.item");
    if (link && !link.closest(".detail, .search")) openedFrom = link;
  });
}

// Search: one field for all kinds of items on the page.

const MAX_FOUND = 12;

function addSearch() {
  if (!packed.size || typeof DecompressionStream === "undefined") return;
  const box = element("div", "search");
  const input = element("input");
  input.type = "search";
  const kinds = Object.keys(KIND_PLURALS).filter((kind) => document.querySelector(`[data-item^="${kind}="]`));
  const names = kinds.map((kind) => KIND_PLURALS[kind]).join(", ");
  // The field has room for three of them.
  input.placeholder = `Search ${kinds.length > 3 ? "reports, people, …" : names}`;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-label": `Search ${names}`, "aria-expanded": "false", "aria-controls": "found", "aria-autocomplete": "list" })) input.setAttribute(name, value);
  const list = element("ul");
  list.id = "found";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found items");
  list.hidden = true;
  box.append(input, list);
  document.querySelector(".switches").prepend(box);
  let active = -1;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (at) => {
    const options = [...list.querySelectorAll("[role=option]")];
    if (!options.length) return;
    active = (at + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
    input.setAttribute("aria-activedescendant", options[active].id);
    options[active].scrollIntoView({ block: "nearest" });
  };
  const choose = (option) => {
    close();
    input.value = "";
    const [kind, id] = [option.dataset.kind, option.dataset.id];
    openedFrom = main.querySelector(".detail") ? openedFrom : input;
    location.hash = `#${kind}=${encodeURIComponent(id)}`;
  };
  const find = async () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    const data = await details(currentPeriod());
    const matches = (item) => words.every((word) => `${item.name} ${item.place}`.toLowerCase().includes(word));
    const found = (data?.items ?? []).filter(matches).slice(0, MAX_FOUND);
    list.replaceChildren(...found.map((item, at) => {
      const option = element("li");
      option.id = `found-${at}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.kind = item.kind;
      option.dataset.id = item.id;
      option.append(element("bdi", "", item.name), element("span", "kind", item.place ? `${KIND_NAMES[item.kind]} · ${item.place}` : KIND_NAMES[item.kind]));
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        choose(option);
      });
      return option;
    }));
    if (!found.length) {
      const none = element("li", "", "Nothing found in this period");
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      none.setAttribute("aria-selected", "false");
      list.append(none);
    }
    list.hidden = false;
    active = -1;
    input.setAttribute("aria-expanded", "true");
    announcer.textContent = `${found.length} found.`;
  };
  input.addEventListener("input", find);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !list.hidden) {
      const option = list.querySelectorAll("[data-id]")[Math.max(0, active)];
      if (option) choose(option);
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    mark(active < 0 && event.key === "ArrowUp" ? -1 : active + (event.key === "ArrowDown" ? 1 : -1));
  });
}

linkItems();
addSearch();
for (const choice of document.querySelectorAll("[name=period]")) choice.addEventListener("change", route);
window.addEventListener("hashchange", route);
document.addEventListener("DOMContentLoaded", route);
