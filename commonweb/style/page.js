"use strict";

// Search, keys, previews, the section's name in the bar, and long code in two places. The page is
// whole without them.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const sections = all("main > section");
const bar = document.querySelector(".bar");

// Where the reader is.

const place = make("output", { "aria-label": "Section" });
bar.firstElementChild.after(place);

function current() {
  let low = 0, high = sections.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sections[middle].getBoundingClientRect().top < 60) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function title(number) {
  const own = sections[number].querySelector("a.n");
  while (number > 0 && !sections[number].querySelector("h2, h3, h4, h5, h6")) number -= 1;
  const heading = sections[number].querySelector("h2, h3, h4, h5, h6");
  const words = heading ? (heading.querySelector("a.n + span") || heading).textContent : "";
  return own ? `§${own.textContent} ${words}` : words;
}

const groups = new Map(all(".side a").map((a) => [a.hash.slice(1), a]));
let waiting = false, group = null;
function locate() {
  waiting = false;
  let number = current();
  const words = number < 0 ? "" : title(number);
  if (place.textContent !== words) place.textContent = words;
  while (number >= 0 && !groups.has(sections[number].id)) number -= 1;
  const next = number < 0 ? null : groups.get(sections[number].id);
  if (next === group) return;
  if (group) group.removeAttribute("aria-current");
  if (next) next.setAttribute("aria-current", "true");
  group = next;
}
addEventListener("scroll", () => {
  if (!waiting) requestAnimationFrame(locate);
  waiting = true;
}, { passive: true });

function go(anchor) {
  hide();
  location.href = anchor;
}

// What a long reference opens to: its chunk's lines, in place of the links to its blocks.

function lines(link) {
  return all(":scope > .code > *", document.getElementById(link.hash.slice(1)));
}

function fill(details) {
  details.classList.remove("far");
  const code = details.lastElementChild;
  code.replaceChildren(...all("a", code).flatMap(lines).map((line) => line.cloneNode(true)));
  for (const element of all("[id]", code)) element.removeAttribute("id");
}
addEventListener("toggle", (event) => {
  if (event.target.matches("details.far")) fill(event.target);
}, true);

// Search: headings, chunks and identifiers.

let entries = null;
function read() {
  entries = [
    ...all("#contents a").map((a) => ({
      text: a.querySelector("span").textContent, kind: a.querySelector("b").textContent && `§${a.querySelector("b").textContent}`,
      anchor: a.getAttribute("href") })),
    ...all(".names li").map((li) => ({
      text: li.querySelector(".name").firstChild.textContent.trim().slice(1) ||
            li.querySelector(".name code").textContent,
      kind: "chunk", anchor: li.querySelector("a").hash })),
    ...all(".index li").map((li) => ({
      text: li.querySelector("code").textContent, kind: "name",
      anchor: (li.querySelector("a:has(u)") || li.querySelector("a")).hash })),
  ];
  for (const entry of entries) entry.folded = entry.text.toLowerCase();
}

function rank(entry, words) {
  let worst = 0;
  for (const word of words) {
    const at = entry.folded.indexOf(word);
    if (at < 0) return -1;
    const fresh = at === 0 || /[^a-z0-9]/.test(entry.folded[at - 1]);
    worst = Math.max(worst, entry.folded === word ? 0 : at === 0 ? 1 : fresh ? 2 : 3);
  }
  return worst;
}

const field = make("input", {
  type: "search", placeholder: "A heading, a chunk, a name", "aria-label": "Search",
  role: "combobox", "aria-controls": "found", "aria-expanded": "false", autocomplete: "off",
  spellcheck: "false" });
const list = make("ul", { id: "found", role: "listbox", "aria-label": "Found" });
const dialog = make("dialog", { "aria-label": "Search" }, field, list);
const button = make("button", { type: "button" }, "Search ", make("kbd", {}, "/"));
document.body.append(dialog);
bar.append(button);

let found = [], chosen = 0;
function choose(number) {
  chosen = Math.max(0, Math.min(number, found.length - 1));
  [...list.children].forEach((item, at) => item.setAttribute("aria-selected", at === chosen));
  const item = list.children[chosen];
  if (item) {
    item.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", item.id);
  } else field.removeAttribute("aria-activedescendant");
}

function search() {
  if (!entries) read();
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  found = words.length ? entries
    .map((entry) => [rank(entry, words), entry])
    .filter(([value]) => value >= 0)
    .sort(([a, x], [b, y]) => a - b || x.text.length - y.text.length)
    .slice(0, 40).map(([, entry]) => entry) : [];
  list.replaceChildren(...found.map((entry, at) => {
    const item = make("li", { role: "option", id: `found-${at}` },
      make("span", {}, entry.text), make("span", {}, entry.kind));
    item.addEventListener("click", () => { chosen = at; leave(); });
    return item;
  }));
  field.setAttribute("aria-expanded", found.length > 0);
  choose(0);
}

function leave() {
  dialog.close();
  if (found[chosen]) go(found[chosen].anchor);
}

function open() {
  hide();
  dialog.showModal();
  field.select();
}

field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Enter") leave();
  else if (event.key === "Escape") dialog.close(); // else the first would only empty the field
  else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
button.addEventListener("click", open);

// Keys: / searches, n and p go to the next and the previous section.

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.key === "/") open();
  else if (event.key === "n" || event.key === "p") {
    const next = sections[Math.max(0, Math.min(current() + (event.key === "n" ? 1 : -1),
                                               sections.length - 1))];
    go(`#${next.id}`);
  } else if (event.key === "Escape") { hide(); return; } else return;
  event.preventDefault();
});

// Previews of what a link leads to.

let preview = null, timer = 0;
function hide() {
  clearTimeout(timer);
  if (preview) preview.remove();
  preview = null;
}

function excerpt(target) {
  const box = make("div", { class: "preview", role: "tooltip" });
  const chunk = target.closest(".chunk"), section = target.closest("section");
  if (chunk) {
    const code = make("div", { class: "code" });
    let line = target === chunk ? chunk.querySelector(".code").firstElementChild : target;
    while (line && line.classList.contains("e")) line = line.nextElementSibling;
    for (let count = 0; line && count < 14; count += 1, line = line.nextElementSibling) {
      code.append(line.cloneNode(true));
    }
    box.append(chunk.querySelector(".head .name").cloneNode(true), code);
  } else if (section) {
    const text = section.querySelector(".text") || section;
    const line = target === section || /^H/.test(target.tagName) ? null : target;
    const heading = text.querySelector("h2, h3, h4, h5, h6");
    if (!line && heading) box.append((heading.querySelector("a.n + span") || heading).cloneNode(true));
    box.append((line || text.querySelector("p:not(.n), pre, ul") || text).cloneNode(true));
  }
  for (const element of all("[id]", box)) element.removeAttribute("id");
  return box;
}

function show(link) {
  const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target || !target.closest("main > section") || link.closest("#contents")) return;
  hide();
  preview = excerpt(target);
  document.body.append(preview);
  const at = link.getBoundingClientRect(), size = preview.getBoundingClientRect();
  const left = Math.max(16, Math.min(at.left, document.documentElement.clientWidth - size.width - 16));
  const above = at.bottom + 8 + size.height > innerHeight && at.top - 8 - size.height > 50;
  preview.style.left = `${left + scrollX}px`;
  preview.style.top = `${(above ? at.top - 8 - size.height : at.bottom + 8) + scrollY}px`;
}

function consider(event) {
  const link = event.target.closest && event.target.closest("main a[href^='#']");
  hide();
  if (link && !link.matches("a.n")) timer = setTimeout(show, 250, link);
}
if (matchMedia("(hover: hover)").matches) {
  addEventListener("mouseover", consider);
  addEventListener("focusin", consider);
}
addEventListener("scroll", () => { if (!preview) clearTimeout(timer); else hide(); },
                 { passive: true });
