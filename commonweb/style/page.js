"use strict";

// Search, keys, previews, copying, the section's name in the bar, and long code in two places.
// The page is whole without them.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const sections = all("main > section");
const bar = document.querySelector(".bar");
const titles = ":is(h2, h3, h4, h5, h6):not(.n)";

// Where the reader is.

const place = make("span", { class: "place" });
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

// A section's number, and the title of it or of the one whose text it goes on with.
function title(section) {
  const own = section && section.querySelector("a.n");
  while (section && !section.querySelector(titles)) section = section.previousElementSibling;
  const heading = section && section.querySelector(titles);
  const words = heading ? (heading.querySelector("a.n + span") || heading).textContent : "";
  return own ? `§${own.textContent} ${words}` : words;
}

const groups = new Map(all(".side a").map((a) => [a.hash.slice(1), a]));
let waiting = false, group = null;
function locate() {
  waiting = false;
  let number = current();
  const words = title(sections[number]);
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

// Lines of code. Those that no link of the page leads to get their anchors when they are asked for.

// What comments and strings of several lines have as one element they get line by line.
function lined(code) {
  for (const each of all(":scope > :is(b, i, q)", code)) {
    const lines = each.textContent.split(/(\n\s*)/);
    if (lines.length > 1) each.replaceWith(...lines.map((text, at) =>
      at % 2 ? text : make(each.localName, {}, text)));
  }
}

function reveal() {
  const wanted = /^#L(\d+)$/.exec(location.hash);
  if (!wanted || document.getElementById(location.hash.slice(1))) return;
  const line = Number(wanted[1]);
  const before = all(".code > [id^=L]").filter((each) => each.id.slice(1) <= line).pop();
  if (!before) return;
  lined(before.parentElement);
  const whole = (node) => node.localName === "div" || node.classList?.contains("e");
  const ends = (node) => {
    const end = node.nodeValue ? node.nodeValue.indexOf("\n") + 1 : 0;
    if (end && end < node.length) node.splitText(end);
    return end > 0 || whole(node);
  };
  const lines = (node) => node.classList?.contains("e") ? node.textContent.length : 1;
  let at = before, left = line - before.id.slice(1) - lines(before);
  while (at && left > 0) {
    at = at.nextSibling;
    if (at && ends(at)) left -= lines(at);
  }
  if (!at || !at.nextSibling || left < 0) return;
  let found = at.nextSibling;
  if (!whole(found)) {
    found = make("span");
    at.after(found);
    let last;
    do {
      last = ends(found.nextSibling);
      found.append(found.nextSibling);
    } while (!last && found.nextSibling);
  }
  found.id = location.hash.slice(1);
  location.replace(location.hash);
}
addEventListener("hashchange", reveal);
reveal();

// What a long reference opens to: its chunk's code, in place of the links to its blocks, with the
// indentation of the reference. A far one in there takes it on.

function block(link) {
  return document.getElementById(link.hash.slice(1)).querySelector(".code");
}

function unnamed(element) {
  for (const each of all("[id]", element)) each.removeAttribute("id");
  return element;
}

function indent(code, lead) {
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  let fresh = true, last = null;
  for (const text of texts) {
    const summary = text.parentElement.closest("summary");
    if (summary) {
      if (fresh && summary !== last) summary.prepend(lead);
      last = summary;
    } else if (text.parentElement.closest(".far > div")) fresh = true;
    else {
      text.data = text.data.replace(/(^|\n)(?=[^\n])/g, (end) => end || fresh ? end + lead : "");
      fresh = text.data.endsWith("\n");
    }
  }
}

function fill(details) {
  details.classList.remove("far");
  const [summary, code] = details.children, lead = /^\s*/.exec(summary.textContent)[0];
  code.replaceChildren(...all("a", code).flatMap((a) => [...block(a).cloneNode(true).childNodes]));
  unnamed(code);
  if (lead) indent(code, lead);
}
addEventListener("toggle", (event) => {
  if (event.target.matches("details.far")) fill(event.target);
}, true);

// Copying: a block as it is tangled, and the addresses that last.

function tangled(code) {
  const copy = code.cloneNode(true);
  for (let far; (far = copy.querySelector(".far"));) fill(far);
  for (const each of all("summary, .to", copy)) each.remove();
  return copy.textContent;
}

const said = make("div", { class: "said", role: "status" });
document.body.append(said);
let saying = 0;
function copy(text, words) {
  if (!navigator.clipboard) return;
  navigator.clipboard.writeText(text).then(() => {
    said.textContent = words;
    clearTimeout(saying);
    saying = setTimeout(() => { said.textContent = ""; }, 2000);
  }, () => {});
}

for (const arrow of all(".nth a")) arrow.ariaLabel = arrow.rel === "prev" ? "Previous part" : "Next part";
const filed = document.querySelector(".head > a")?.getAttribute("href").replace(/#.*/, "");
for (const head of all(".chunk > .head")) {
  if (filed && head.id === "" && head.parentElement.querySelector(".code").textContent.trim()) {
    head.append(make("a", { href: `${filed}#${head.parentElement.id}` }, "File"));
  }
  head.append(make("button", { type: "button", class: "copy" }, "Copy"));
}
addEventListener("click", (event) => {
  if (event.target.matches(".copy")) {
    copy(tangled(event.target.closest(".chunk").querySelector(".code")), "Code copied");
  }
  const own = event.target.closest("a.n, .head > .name > a, aside p code a");
  if (own && event.button === 0 && !/#x\d+$/.test(own.href)) copy(own.href, "Link copied");
});

// Search: headings, names, chunks, prose; code, where little else has it.

const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/[-_/>!?.,;:()§…\s]+/g, " ").trim();
const WEIGHTS = { section: 0, "": 0, chunk: 1, text: 2, code: 9 };
const MOST = { section: 8, chunk: 8, name: 8, text: 24, code: 24 };
const entries = [], code = [], vocabulary = new Set();

function entry(text, kind, anchor, section, weight = WEIGHTS[kind]) {
  return { text, kind, anchor, section, weight, folded: ` ${fold(text)}` };
}

function add(text, kind, anchor, section, weight) {
  const added = entry(text, kind, anchor, section, weight);
  for (const word of added.folded.split(" ")) vocabulary.add(word);
  entries.push(added);
  return added;
}

// What is read: first headings and names, then prose, then code. It goes on while nothing else is
// to be done, from the moment that the search is opened; before it has come to what a search wants,
// it goes there at once.

let stage = 0;
function* reading() {
  let count = 0;
  const parts = new Set();
  for (const a of all("#contents li > a, .bar nav a")) {
    const number = a.querySelector("b")?.textContent, href = a.getAttribute("href");
    if (number || !parts.has(href)) {
      add((a.querySelector("span") || a).textContent, number ? "section" : "", href, number && `§${number}`);
    }
    parts.add(href);
  }
  for (const li of all(".names li")) {
    const name = li.querySelector(".name").cloneNode(true), a = li.querySelector("a");
    for (const each of all("a", name)) each.remove();
    add(name.textContent.replace(/^⟨|[\s,]*(and)?[\s,]*⟩$/g, ""), "chunk", a.hash, `§${a.textContent}`);
  }
  yield;
  const kinds = new Map();
  for (const li of document.querySelectorAll("aside li")) {
    kinds.set(li.firstElementChild.textContent, li.lastChild.textContent.trim().replace(/ \w+$/, ""));
    if (++count % 200 === 0) yield;
  }
  for (const li of document.querySelectorAll(".index li")) {
    const name = li.firstElementChild, text = name.textContent, bold = name.querySelector("b");
    const a = li.querySelector("a > u")?.parentElement || li.querySelector("a");
    add(text, kinds.get(text) || "name", a.hash, `§${a.textContent}`,
        bold ? (bold.className ? 0 : 1) : 3);
    if (++count % 50 === 0) yield;
  }
  stage = 1;
  for (const prose of document.querySelectorAll(".text, .front")) {
    const section = prose.closest("section"), about = fold(title(section));
    for (const each of prose.querySelectorAll("p, li, tr, figcaption, pre.shown")) {
      if (each.closest("aside") || each.querySelector("p, li, tr")) continue;
      add(each.textContent.replace(/\s+/g, " "), "text", `#${each.closest("[id]").id}`, section).about = about;
    }
    yield;
  }
  stage = 2;
  for (const chunk of document.querySelectorAll(".chunk")) {
    const copy = chunk.querySelector(".code").cloneNode(true), section = chunk.closest("section");
    for (const each of all("details > div", copy)) each.remove();
    for (const line of copy.textContent.split("\n").filter(Boolean)) {
      code.push(entry(line.trim(), "code", `#${chunk.id}`, section));
    }
    yield;
  }
  stage = 3;
}

const reader = reading();
function ready(wanted) {
  while (stage < wanted) reader.next();
}

const later = window.requestIdleCallback || ((call) => setTimeout(call, 20, { timeRemaining: () => 0 }));
function goOn(deadline) {
  const before = stage;
  do reader.next(); while (stage < 3 && deadline.timeRemaining() > 5);
  if (before < 2 && stage > 1 && field.value && !chosen) show(field.value);
  if (stage < 3) later(goOn);
}

// Whether two words differ by one letter, put in, left out, changed, or by two that are exchanged.
function near(a, b) {
  if (Math.abs(a.length - b.length) > 1 || a === b) return a === b;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const rest = (word, skip) => word.slice(at + skip);
  return rest(a, 1) === rest(b, 1) || rest(a, 1) === rest(b, 0) || rest(a, 0) === rest(b, 1) ||
    (a[at] === b[at + 1] && a[at + 1] === b[at] && rest(a, 2) === rest(b, 2));
}

// A word as it may be meant: itself, if it is anywhere; else those that are like it.
function meant(word) {
  for (const known of vocabulary) if (known.includes(word)) return [word];
  if (word.length < 4) return [word];
  return [...vocabulary].filter((known) => near(word, known) || near(word, known.slice(0, word.length)));
}

function rank(entry, words, whole) {
  if (entry.folded === ` ${whole}`) return entry.weight - 1;
  let worst = 0, sum = 0;
  for (const [at, forms] of words.entries()) {
    let best = 9;
    for (const form of forms) {
      const start = entry.folded.indexOf(` ${form}`);
      if (start < 0) { if (entry.folded.includes(form)) best = Math.min(best, 7); continue; }
      const end = entry.folded[start + 1 + form.length];
      best = Math.min(best, (start ? 2 : 1) + (end && end !== " " ? 1 : 0));
    }
    if (best === 9) return null;
    worst = Math.max(worst, best);
    sum += best / (at + 1);
  }
  const near = entry.kind === "text" && words.some((forms) =>
    forms.some((form) => entry.about.includes(form)));
  return worst + sum / 10 + 2 * entry.weight - (near ? 1 : 0);
}

function search(text) {
  const whole = fold(text);
  ready(whole.length < 3 ? 1 : 2);
  const number = /^\s*§?\s*(\d+[a-z]?)\s*$/i.exec(text);
  const section = number && document.getElementById(`s${number[1].toUpperCase()}`);
  const words = whole.split(" ").filter(Boolean).map(meant);
  const match = (list, words) => words.length ? list
    .map((each) => [rank(each, words, whole), each]).filter(([value]) => value !== null)
    .sort(([a, x], [b, y]) => a - b || x.text.length - y.text.length).map(([, each]) => each) : [];
  let found = match(entries, words);
  if (found.length < 4 && stage > 1) {
    ready(3);
    found.push(...match(code, whole.split(" ").filter(Boolean).map((word) => [word])));
  }
  const counts = {};
  found = found.filter(({ kind }) => {
    const row = kind in MOST ? kind : "name";
    counts[row] = (counts[row] || 0) + 1;
    return counts[row] <= MOST[row];
  });
  if (section) found.unshift(entry(title(section).replace(/^\S+ /, ""), "section", `#${section.id}`,
                                   `§${section.id.slice(1)}`));
  return [found, words.flat()];
}

const field = make("input", {
  type: "search", placeholder: "A heading, a name, a number, words", "aria-label": "Search",
  role: "combobox", "aria-controls": "found", "aria-expanded": "false", autocomplete: "off",
  spellcheck: "false" });
const list = make("ul", { id: "found", role: "listbox", "aria-label": "Found" });
const told = make("p", { role: "status" });
const keys = make("input", { type: "checkbox" });
const dialog = make("dialog", { "aria-label": "Search" }, field, told, list,
                    make("label", {}, keys, " Keys: / searches, n and p lead to the next and the previous section"));
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

// What is shown of a paragraph: what stands around the first word.
function snippet(text, words) {
  const at = Math.max(0, ...words.map((word) => text.toLowerCase().indexOf(word.split(" ")[0])));
  const start = at < 60 ? 0 : text.lastIndexOf(" ", at - 40) + 1;
  return (start ? "… " : "") + text.slice(start, start + 160) + (text.length > start + 160 ? " …" : "");
}

function show(text) {
  const [hits, words] = search(text);
  found = hits;
  list.replaceChildren(...found.map(({ text, kind, section }, at) => {
    const long = kind === "text" || kind === "code";
    const where = typeof section === "string" ? section : title(section);
    const item = make("li", { role: "option", id: `found-${at}`, ...(long && { class: "long" }) },
      make("span", {}, long ? snippet(text, words) : text),
      make("span", {}, [kind === "section" || kind === "text" ? "" : kind, where].filter(Boolean).join(" · ")));
    item.addEventListener("click", () => { chosen = at; leave(); });
    return item;
  }));
  told.textContent = !words.length && !text.trim() ? "" :
    found.length ? `${found.length} found` : "Nothing found.";
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
  if (stage < 3) later(goOn);
}

field.addEventListener("input", () => show(field.value));
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Enter") leave();
  else if (event.key === "Escape") dialog.close(); // else the first would only empty the field
  else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
if (location.hash === "#search") open(); // the reference leads there
button.addEventListener("click", open);

// Keys, which can be turned off: / searches, n and p go to the next and the previous section.

let kept;
try { kept = localStorage; } catch { kept = {}; } // a reader may forbid it
keys.checked = kept.keys !== "off";
button.lastElementChild.hidden = !keys.checked;
keys.addEventListener("change", () => {
  try { kept.keys = keys.checked ? "on" : "off"; } catch {}
  button.lastElementChild.hidden = !keys.checked;
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.key === "Escape") hide();
  if (event.key === "Tab") settle();
  const at = rove(event);
  if (at) at.focus();
  else if (!keys.checked) return;
  else if (event.key === "/") open();
  else if (event.key === "n" || event.key === "p") {
    const next = sections[Math.max(0, Math.min(current() + (event.key === "n" ? 1 : -1),
                                               sections.length - 1))];
    go(`#${next.id}`);
  } else return;
  event.preventDefault();
});

// A block of code, what stands beside it, the names in a section's prose, and a letter of the
// index are one stop each for the key Tab; arrows lead from link to link in them.

const STOPS = ".chunk, .sample, aside, .index, .names";
const stopOf = (a) => a.closest(STOPS) || (a.closest("code") && a.closest(".text, .front"));
const linksOf = (stop) => all(stop.matches(STOPS) ? "a" : "code a", stop)
  .filter((a) => stopOf(a) === stop && !a.closest("details"));
let settled = false;
function settle() {
  if (settled) return;
  settled = true;
  for (const stop of all(`${STOPS}, .text, .front`)) {
    linksOf(stop).forEach((a, at) => { if (at) a.tabIndex = -1; });
  }
}

function rove({ key, target }) {
  const stop = /^(Arrow|Home|End)/.test(key) && target.matches("main a") && stopOf(target);
  if (!stop) return null;
  const links = linksOf(stop);
  const at = links.indexOf(target);
  const next = key === "Home" ? 0 : key === "End" ? links.length - 1 :
    at + (/Right|Down/.test(key) ? 1 : -1);
  if (at < 0 || !links[next]) return target;
  target.tabIndex = -1;
  links[next].tabIndex = 0;
  return links[next];
}

// Previews of what a link leads to, for a pointer, which may go to the preview as well.

let preview = null, timer = 0, pointed = null, stood = 0;
function hide() {
  clearTimeout(timer);
  if (preview) preview.remove();
  preview = null;
}

function excerpt(target) {
  const box = make("div", { class: "preview", role: "tooltip" });
  const chunk = target.closest(".chunk"), section = target.closest("section");
  const told = section && section.querySelector("a.n") && title(section).replace(" ", " · ");
  if (told) box.append(make("p", { class: "where" }, told));
  if (chunk) {
    const code = make("div", { class: "code" });
    lined(chunk.querySelector(".code"));
    let at = target.closest(".code > *") || chunk.querySelector(".code").firstChild;
    for (let rows = 0; at && rows < 14; at = at.nextSibling) {
      if (at.classList?.contains("e")) continue;
      const text = at.nodeValue || "";
      rows += at.nodeValue ? text.split("\n").length - 1 : at.textContent.endsWith("\n");
      code.append(at.cloneNode(true));
    }
    box.append(chunk.querySelector(".head .name").cloneNode(true), code);
  } else if (section) {
    const text = section.querySelector(".text") || section;
    const line = target === section || /^H/.test(target.tagName) ? null : target;
    box.append((line || text.querySelector("p, pre, ul") || text).cloneNode(true));
  }
  for (const link of all("a", box)) {
    if (link.matches('.code [href^="#x"]')) link.className = "d";
    link.removeAttribute("href");
  }
  return unnamed(box);
}

function point(link) {
  const target = document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
  if (!target || !target.closest("main > section") || link.closest("#contents")) return;
  hide();
  preview = excerpt(target);
  document.querySelector("main").append(preview);
  pointed = link;
  const at = link.getBoundingClientRect(), size = preview.getBoundingClientRect();
  stood = at.top;
  const left = Math.max(16, Math.min(at.left, document.documentElement.clientWidth - size.width - 16));
  const above = at.bottom + 4 + size.height > innerHeight && at.top - 4 - size.height > 50;
  preview.style.left = `${left + scrollX}px`;
  preview.style.top = `${(above ? at.top - 4 - size.height : at.bottom + 4) + scrollY}px`;
}

if (matchMedia("(hover: hover)").matches) {
  addEventListener("mouseover", ({ target }) => {
    if (preview && preview.contains(target)) return clearTimeout(timer);
    const link = target.closest("main a[href^='#']");
    clearTimeout(timer);
    if (link && !link.matches("a.n")) timer = setTimeout(() => link.matches(":hover") && point(link), 250);
    else timer = setTimeout(hide, 300);
  });
}
// A page that is laid out further above scrolls too, but what is pointed at stays where it was.
addEventListener("scroll", () => {
  if (!preview || Math.abs(pointed.getBoundingClientRect().top - stood) < 3) return;
  if (pointed.matches(":hover")) point(pointed); else hide();
}, { passive: true });
