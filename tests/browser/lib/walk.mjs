// Every page, found by following links from the menu. Each address counts once: what differs in an id or
// in the value of a filter is the same page.

import { accessibility, keys, language, meter, sideways, touch, VISIT_BYTES_MAX } from "./checks.mjs";
import { fill } from "./filler.mjs";
import { PHONE, WIDE } from "./looks.mjs";
import { LISTS, PAGES, UNLINKED } from "../pages.mjs";

/** An address without what differs between pages of one pattern. */
function pattern(path) {
  const { pathname, searchParams } = new URL(path, "http://x");
  const names = [...new Set(searchParams.keys())].sort();
  const place = pathname.split("/").map((part) => (/^[a-z2-7]{20,}$/.test(part) ? "{id}" : part)).join("/");
  return names.length ? `${place}?${names.join("&")}` : place;
}

/** Filters are walked one by one; together they only make more of the same. */
const isWalked = (path) => new URL(path, "http://x").searchParams.size <= 1;

/** Where the page that is open leads. */
function links(page) {
  return page.evaluate(() => [...document.querySelectorAll("a[href]")]
    .filter((a) => a.origin === location.origin && !a.hasAttribute("download"))
    .map((a) => a.pathname + a.search));
}

/** Writes a record of each kind that this person may write; gives their addresses. */
export async function writeOfEachKind(person) {
  await person.go("/new");
  const forms = (await links(person.page)).filter((path) => /^\/new\/./.test(path));
  const written = [];
  for (const path of new Set(forms)) {
    await person.go(path);
    await fill(person.page, "王奶奶 Wong");
    const answer = await person.follow(person.say("console.act.save"));
    if (answer.status() !== 200) throw new Error(`${path} refuses what fits its fields: ${await person.words()}`);
    written.push({ kind: path.split("/").at(-1), path: person.path });
  }
  return written;
}

/** The first records of lists that show something of their own. */
export async function firstOfEachList(person) {
  const found = [];
  for (const list of LISTS) {
    await person.go(list);
    const first = (await links(person.page)).find((path) => /^\/record\/[a-z2-7]+$/.test(path));
    if (!first) throw new Error(`${list} is empty`);
    found.push(first);
  }
  return found;
}

/** What is wrong with the page that is open, at the width that it has. */
export async function look(person) {
  const { page } = person;
  const small = person.look.width === "phone" ? await touch(page) : [];
  const wrong = [...await keys(page), ...await language(page, person.lang), ...await sideways(page), ...await accessibility(page), ...small];
  return wrong.map((it) => `${person.path}: ${it}`);
}

/** What is wrong with the page that is open, at both widths, and in the dark. */
export async function examine(person, note) {
  const { page } = person;
  const at = async (name, check) => note(name, await check);
  await at("", keys(page));
  await at("", language(page, person.lang));
  for (const [name, size] of [["wide", WIDE], ["phone", PHONE]]) {
    await page.setViewport(size);
    await at(name, sideways(page));
    await at(name, accessibility(page));
  }
  await at("phone", touch(page));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await at("phone, dark", accessibility(page, "color-contrast"));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
}

/** Walks all pages. Gives those that were opened and what is wrong. */
export async function walk(person, seeds = []) {
  const transferred = await meter(person.page);
  const queue = ["/today", ...UNLINKED, ...seeds];
  const seen = new Set(queue.map(pattern));
  const wrong = [];
  const walked = [];
  while (queue.length) {
    const path = queue.shift();
    transferred();
    const answer = await person.go(path);
    const note = (width, sentences) => wrong.push(...sentences.map((it) => `${path}${width && ` (${width})`}: ${it}`));
    if (answer.status() !== 200) note("", [`answers ${answer.status()}`]);
    const bytes = transferred();
    if (bytes > VISIT_BYTES_MAX) note("", [`a first visit transfers ${bytes} bytes`]);
    await examine(person, note);
    walked.push({ path, bytes });
    for (const next of await links(person.page)) {
      const place = pattern(next);
      if (seen.has(place) || !isWalked(next) || next.startsWith("/static/")) continue;
      seen.add(place);
      queue.push(next);
    }
  }
  const missed = PAGES.filter((page) => !seen.has(page));
  wrong.push(...missed.map((page) => `nothing leads to ${page}`));
  return { walked, wrong };
}
