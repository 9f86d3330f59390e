// Sorting, filtering and tooltips, for mouse and keyboard. The page can be read without the scripts.
// They load, store and send nothing, and never parse text as HTML.
"use strict";

const tip = document.getElementById("tip");
const announcer = document.getElementById("announcer");

/** Creates an element with a class and a text. */
function element(name, className = "", text = "") {
  const created = document.createElement(name);
  if (className) created.className = className;
  created.textContent = text;
  return created;
}

/** Shows a tooltip at a position of the window. */
function show(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > window.innerWidth ? x - 14 - box.width : x + 14;
  const top = Math.min(y + 14, window.innerHeight - box.height - 6);
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${Math.max(6, top)}px`;
}

function hide() {
  tip.hidden = true;
}

/** Returns the exact value of a cell; its text may be rounded or shortened. */
function cellValue(cell) {
  return cell.dataset.v ?? cell.title ?? cell.textContent;
}

/** Returns the header cells of a table. */
function headers(table) {
  return [...table.tHead.rows[0].cells];
}

// Sorting: a button in each header. The first click sorts numbers and dates descending, names
// ascending.

function compare(a, b, isNumber) {
  const [x, y] = [cellValue(a) || a.textContent, cellValue(b) || b.textContent];
  if (isNumber) {
    const number = (text) => Number(text.replaceAll(",", ""));
    const missing = (cell) => cell.dataset.v === "";
    if (missing(a) || missing(b)) return null;
    return number(x) - number(y);
  }
  return x.localeCompare(y, undefined, { numeric: true, sensitivity: "base" });
}

function sort(table, at, head) {
  const isNumber = head.classList.contains("n");
  const begin = isNumber || head.classList.contains("d") ? "descending" : "ascending";
  const other = begin === "descending" ? "ascending" : "descending";
  const order = head.getAttribute("aria-sort") === begin ? other : begin;
  for (const one of headers(table)) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const isEmpty = (row) => row.cells[at].dataset.v === "";
  const rows = [...body.rows].sort((a, b) => {
    // Unknown values are last in both directions.
    if (isEmpty(a) !== isEmpty(b)) return isEmpty(a) ? 1 : -1;
    return sign * (compare(a.cells[at], b.cells[at], isNumber) ?? 0);
  });
  body.append(...rows);
  showRows(table);
  announcer.textContent = `Sorted by ${head.textContent.trim()}, ${order}.`;
}

function makeSortable(table) {
  headers(table).forEach((head, at) => {
    if (head.classList.contains("spark")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, at, head));
    // The browser shows the title of a column for the mouse, but not for the keyboard.
    button.addEventListener("focus", () => {
      const box = button.getBoundingClientRect();
      if (button.matches(":focus-visible")) show(head.title, box.left, box.bottom);
    });
    button.addEventListener("blur", hide);
    head.append(button);
  });
}

// Rows: a table shows the rows that contain all words of its filter. Without a filter, a short table
// shows its first rows until the reader wants all.

const FIRST_ROWS = 10;
const rowStates = new WeakMap();

function showRows(table) {
  const { words, isShort, button, count } = rowStates.get(table);
  const rows = [...table.tBodies[0].rows];
  let number = 0;
  for (const row of rows) {
    const text = [...row.cells].map((cell) => `${cell.title} ${cell.textContent}`).join(" ").toLowerCase();
    const matches = words.every((word) => text.includes(word));
    number += matches ? 1 : 0;
    row.hidden = !matches || (isShort && !words.length && number > FIRST_ROWS);
  }
  if (count) count.textContent = words.length ? `${number} of ${rows.length} rows` : "";
  if (button) button.hidden = words.length > 0;
}

function titleOf(table) {
  const title = table.closest(".scroll").getAttribute("aria-labelledby");
  return document.getElementById(title).textContent;
}

function makeFilterable(table) {
  const rows = table.tBodies[0].rows.length;
  const state = { words: [], isShort: "short" in table.dataset && rows > FIRST_ROWS };
  rowStates.set(table, state);
  if (rows > FIRST_ROWS) {
    const scroll = table.closest(".scroll");
    const box = element("div", "filter");
    const input = element("input");
    input.type = "search";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", `Filter rows: ${titleOf(table)}`);
    state.count = element("span");
    box.append(input, state.count);
    scroll.before(box);
    input.addEventListener("input", () => {
      state.words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      showRows(table);
      announcer.textContent = state.count.textContent;
    });
    if (state.isShort) {
      state.button = element("button", "show-all");
      state.button.type = "button";
      const name = () => {
        state.button.textContent = state.isShort ? `Show all ${rows}` : `Show ${FIRST_ROWS}`;
        state.button.setAttribute("aria-label", `${state.button.textContent}: ${titleOf(table)}`);
      };
      name();
      state.button.addEventListener("click", () => {
        state.isShort = !state.isShort;
        name();
        showRows(table);
      });
      scroll.after(state.button);
    }
  }
  showRows(table);
}

// Charts: a tooltip with the values of the nearest row, from the table below the chart.

function makeReadable(plot) {
  const table = document.getElementById(plot.dataset.rows);
  const rows = [...table.tBodies[0].rows];
  const columns = headers(table);
  let current = rows.length - 1;

  function drawn() {
    return [...plot.querySelectorAll("svg")].find((svg) => svg.getBoundingClientRect().width > 0);
  }

  function text(row) {
    const named = (cell, at) => (at ? `${columns[at].textContent}: ` : "") + cell.textContent;
    return [...row.cells].map(named).join("\n");
  }

  function go(at, y) {
    current = Math.max(0, Math.min(rows.length - 1, at));
    const svg = drawn();
    const box = svg.getBoundingClientRect();
    const [left, right] = [Number(svg.dataset.left), Number(svg.dataset.right)];
    const x = left + ((current + 0.5) * (right - left)) / rows.length;
    svg.querySelector(".cursor").setAttribute("transform", `translate(${x} 0)`);
    plot.classList.add("live");
    const scale = box.width / svg.viewBox.baseVal.width;
    show(text(rows[current]), box.left + x * scale, y ?? box.top + 20);
  }

  function leave() {
    plot.classList.remove("live");
    hide();
  }

  plot.addEventListener("pointermove", (event) => {
    const svg = drawn();
    const box = svg.getBoundingClientRect();
    const [left, right] = [Number(svg.dataset.left), Number(svg.dataset.right)];
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    go(Math.floor(((x - left) / (right - left)) * rows.length), event.clientY);
  });
  plot.addEventListener("pointerleave", leave);
  plot.tabIndex = 0;
  plot.addEventListener("focus", () => {
    if (plot.matches(":focus-visible")) go(current);
  });
  plot.addEventListener("blur", leave);
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -Infinity, End: Infinity };
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    if (!(event.key in steps)) return;
    event.preventDefault();
    go(current + steps[event.key]);
    announcer.textContent = tip.textContent.replaceAll("\n", ", ");
  });
}

// Heatmaps and calendars: a tooltip with the title of the cell. Tab reaches one cell, the arrow keys
// the others.

function makeCellsReadable(table, selector) {
  const cells = [...table.querySelectorAll(selector)];
  for (const cell of cells) {
    cell.dataset.tip = cell.title;
    cell.removeAttribute("title");
    cell.tabIndex = -1;
  }
  if (cells.length) cells[0].tabIndex = 0;
  const over = (cell) => {
    const box = cell.getBoundingClientRect();
    show(cell.dataset.tip, box.left + box.width / 2, box.bottom - 10);
  };
  const cellOf = (event) => event.target.closest("[data-tip]");
  table.addEventListener("pointerover", (event) => cellOf(event) && over(cellOf(event)));
  table.addEventListener("pointerout", hide);
  table.addEventListener("focusin", (event) => cellOf(event) && over(cellOf(event)));
  table.addEventListener("focusout", hide);
  table.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    if (event.key === "Escape") hide();
    const next = neighbor(cell, event.key);
    if (!next) return;
    event.preventDefault();
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

function neighbor(cell, key) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!(key in moves)) return null;
  const [down, right] = moves[key];
  const rows = cell.closest("table").rows;
  const next = rows[cell.parentElement.rowIndex + down]?.cells[cell.cellIndex + right];
  return next?.dataset.tip ? next : null;
}

/** Adds all of this to the tables and charts of an element. */
function enhance(root) {
  for (const table of root.querySelectorAll("table[data-of]")) {
    if (!table.closest(".plot ~ details")) makeFilterable(table);
    else rowStates.set(table, { words: [], isShort: false });
    makeSortable(table);
  }
  for (const plot of root.querySelectorAll(".plot[data-rows]")) makeReadable(plot);
  for (const table of root.querySelectorAll(".heat, .month, .cohorts")) makeCellsReadable(table, "td[title]");
  for (const panel of root.querySelectorAll(".panel")) addTools(panel);
}

document.addEventListener("scroll", hide, { passive: true });
document.addEventListener("DOMContentLoaded", () => enhance(document));
