"use strict";
// Tables that can be sorted, a choice of light or dark, a printed page with everything open. The page is whole without.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  function create(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Sorting: up, down, as it was. Rows without a value come last, those of references stay below all others.

  const said = document.body.appendChild(create("p", { className: "hidden" }));
  said.setAttribute("role", "status");

  function words(cell) {
    const nodes = [...cell.childNodes].filter((node) => node.nodeName !== "SMALL" && node.className !== "star");
    return nodes.map((node) => node.textContent).join("").trim();
  }

  function keyOf(cell) {
    if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
    const text = words(cell);
    return text === "–" || text === "" ? null : text;
  }

  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one === other ? 0 : one < other ? -1 : 1;
    return collator.compare(one, other);
  }

  function sorted(rows, column, sign) {
    const keyed = rows.map((row) => ({ row, key: keyOf(row.cells[column]) }));
    const known = keyed.filter(({ key }) => key !== null);
    known.sort((a, b) => sign * compare(a.key, b.key));
    return [...known, ...keyed.filter(({ key }) => key === null)].map(({ row }) => row);
  }

  function makeSortable(table) {
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains("reference"));
    const references = [...body.rows].filter((row) => row.classList.contains("reference"));
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = create("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const order = { ascending: "descending", descending: null }[before] ?? (before ? null : "ascending");
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        if (order) heading.setAttribute("aria-sort", order);
        body.append(...(order ? sorted(rows, column, order === "ascending" ? 1 : -1) : rows), ...references);
        said.textContent = order ? `Sorted by ${button.textContent.trim()}, ${order}` : "In the first order again";
      });
    });
  }

  document.querySelectorAll("table.sortable").forEach(makeSortable);

  // Colours: as the system has them, light, dark. Nothing is remembered.

  const themes = { auto: "light", light: "dark", dark: "auto" };
  const theme = create("button", { type: "button", className: "theme" }, "Colours: auto");
  let chosen = "auto";
  theme.addEventListener("click", () => {
    chosen = themes[chosen];
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    theme.textContent = `Colours: ${chosen}`;
  });
  document.querySelector("header").append(theme);

  // What fits is nothing to scroll, and no stop for the keyboard.

  function markScrollable() {
    document.querySelectorAll(".scroll, pre").forEach((box) => {
      const overflows = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (overflows) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
      box.classList.toggle("fits", !overflows);
    });
  }

  window.addEventListener("resize", markScrollable);
  document.addEventListener("toggle", markScrollable, true);
  markScrollable();

  // On paper nothing can be opened.

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((details) => { details.open = false; });
  });
})();
