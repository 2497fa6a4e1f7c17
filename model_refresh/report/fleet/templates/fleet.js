// @ts-check
// Searches, filters and sorts the models. Without it the table stands as it was written: readable,
// and sorted by what needs a person. What is asked stands in the address, so that it can be sent.
(() => {
  "use strict";

  /**
   * @typedef {{ element: HTMLTableRowElement, text: string, name: string, state: string,
   *   owners: string[], person: boolean, keys: (number | null)[] }} Row
   * @typedef {{ words: string[], states: Set<string>, owner: string }} Asked
   */

  const PERSON = "person";
  const NOBODY = "nobody";
  const OLD_HOURS = 3;

  /** @template {Element} E @param {string} selector @param {new () => E} kind @returns {E} */
  const one = (selector, kind) => {
    const found = document.querySelector(selector);
    if (!(found instanceof kind)) throw new Error(`${selector} is missing`);
    return found;
  };

  const body = one("#models tbody", HTMLTableSectionElement);
  const search = one("#search", HTMLInputElement);
  const owner = one("#owner", HTMLSelectElement);
  const order = one("#order", HTMLSelectElement);
  const count = one("#count", HTMLOutputElement);
  const nothing = one("#nothing", HTMLParagraphElement);
  const chips = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-state]")]);
  const heads = /** @type {HTMLTableCellElement[]} */ ([...document.querySelectorAll("th[data-key]")]);

  /** @param {HTMLTableRowElement} element @returns {Row} */
  const read = (element) => ({
    element,
    text: (element.textContent || "").toLowerCase(),
    name: element.cells[0].firstElementChild?.textContent || "",
    state: element.cells[1].firstElementChild?.textContent || "",
    owners: (element.dataset.o || NOBODY).split(" "),
    person: element.dataset.p !== undefined,
    keys: (element.dataset.k || "").split(";").map((key) => (key === "" ? null : Number(key))),
  });

  const rows = [...body.rows].map(read);
  const numbers = new Intl.NumberFormat("en");
  let sorted = { key: "0", way: 1 };

  /** @returns {Asked} */
  const asked = () => ({
    words: search.value.toLowerCase().split(/\s+/).filter(Boolean),
    states: new Set(chips.filter(isPressed).map((chip) => chip.dataset.state || "")),
    owner: owner.value,
  });

  /** @param {Element} chip */
  const isPressed = (chip) => chip.getAttribute("aria-pressed") === "true";

  /** @param {Row} row @param {Asked} what */
  const matches = (row, { words, states, owner: named }) =>
    (states.size === 0 || states.has(row.state) || (row.person && states.has(PERSON))) &&
    (named === "" || row.owners.includes(named)) &&
    words.every((word) => row.text.includes(word));

  const filter = () => {
    const what = asked();
    let shown = 0;
    for (const row of rows) {
      const hidden = !matches(row, what);
      if (row.element.hidden !== hidden) row.element.hidden = hidden;
      if (!hidden) shown += 1;
    }
    count.value = `${numbers.format(shown)} of ${numbers.format(rows.length)} shown`;
    nothing.hidden = shown > 0;
    remember(what);
  };

  /** @param {Asked} what */
  const remember = ({ words, states, owner: named }) => {
    const kept = new URLSearchParams();
    if (words.length) kept.set("q", words.join(" "));
    for (const state of states) kept.append("state", state);
    if (named) kept.set("owner", named);
    const address = `#${kept}`;
    if (address !== (location.hash || "#")) history.replaceState(null, "", address);
  };

  const recall = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    search.value = kept.get("q") || "";
    owner.value = kept.get("owner") || "";
    if (owner.selectedIndex < 0) owner.value = "";
    const states = kept.getAll("state");
    for (const chip of chips) press(chip, states.includes(chip.dataset.state || ""));
  };

  /** @param {Element} chip @param {boolean} pressed */
  const press = (chip, pressed) => chip.setAttribute("aria-pressed", String(pressed));

  /** @param {Row} a @param {Row} b @param {string} key @param {number} way */
  const compared = (a, b, key, way) => {
    if (key === "name") return way * (a.name < b.name ? -1 : Number(a.name > b.name));
    const [left, right] = [a.keys[Number(key)], b.keys[Number(key)]];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return way * (left - right);
  };

  /** @param {string} key @param {number} way 1: rising, -1: falling; what has no value is last */
  const sort = (key, way) => {
    sorted = { key, way };
    const byUrgency = /** @param {Row} a @param {Row} b */ (a, b) => compared(a, b, "0", 1);
    rows.sort((a, b) => compared(a, b, key, way) || byUrgency(a, b));
    body.replaceChildren(); // moving rows one by one takes ten times as long
    body.append(...rows.map((row) => row.element));
    for (const head of heads) {
      const is = head.dataset.key === key;
      head.setAttribute("aria-sort", is ? (way > 0 ? "ascending" : "descending") : "none");
    }
    order.value = key;
  };

  /** @param {HTMLTableCellElement} head */
  const firstWay = (head) => (head.dataset.first === "falling" ? -1 : 1);

  for (const head of heads) {
    const key = head.dataset.key || "0";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () =>
      sort(key, sorted.key === key ? -sorted.way : firstWay(head)),
    );
    head.append(button);
    order.append(new Option(head.textContent || "", key));
  }

  /** @param {HTMLElement} code */
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent || "");
      code.dataset.copied = "copied";
    } catch {
      getSelection()?.selectAllChildren(code);
      code.dataset.copied = "selected";
    }
    setTimeout(() => delete code.dataset.copied, 1500);
  };

  for (const code of /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("code"))) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${code.textContent}`);
    code.after(button);
  }

  body.addEventListener("click", (event) => {
    const button = event.target instanceof HTMLButtonElement ? event.target : null;
    if (button?.previousElementSibling instanceof HTMLElement) copy(button.previousElementSibling);
  });
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      press(chip, !isPressed(chip));
      filter();
    });
  }
  one("#all", HTMLButtonElement).addEventListener("click", () => {
    search.value = owner.value = "";
    for (const chip of chips) press(chip, false);
    filter();
    search.focus();
  });
  search.addEventListener("input", filter);
  owner.addEventListener("change", filter);
  order.addEventListener("change", () => {
    const head = heads.find((each) => each.dataset.key === order.value);
    if (head) sort(order.value, firstWay(head));
  });
  addEventListener("hashchange", () => {
    recall();
    filter();
  });

  const written = Date.parse(one("#written", HTMLTimeElement).dateTime);
  const hours = (Date.now() - written) / 3_600_000;
  if (hours > OLD_HOURS) {
    const old = one("#old", HTMLParagraphElement);
    const age = hours < 48 ? `${Math.floor(hours)} hours` : `${Math.floor(hours / 24)} days`;
    old.prepend(`This page is ${age} old. `);
    old.hidden = false;
  }
  one("#ask", HTMLElement).hidden = false;
  document.documentElement.classList.add("live");
  order.value = "0";
  recall();
  filter();
})();
