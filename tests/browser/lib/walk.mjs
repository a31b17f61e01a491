// Every page, found by following links from the menu. Each address counts once: what differs in an id or
// in the value of a filter is the same page; so are the pages of the schema, where they are made alike.

import { accessibility, covered, keys, language, meter, sideways, touch, twins, VISIT_BYTES_MAX } from "./checks.mjs";
import { fill } from "./filler.mjs";
import { PHONE, WIDE } from "./looks.mjs";
import { hasStates, typeOf } from "./words.mjs";
import { LISTS, PAGES, UNLINKED } from "../pages.mjs";

/** Where pictures of all pages go; nowhere, unless somebody names a folder. */
const SCREENS = process.env.BANYAN_SCREENS;

/** An address without what differs between pages of one pattern. */
function pattern(path) {
  const { pathname, searchParams } = new URL(path, "http://x");
  const names = [...new Set(searchParams.keys())].sort();
  const parts = pathname.split("/").map((part) => (/^[a-z2-7]{20,}$/.test(part) ? "{id}" : part));
  if (parts[1] === "schema" && parts[2] && parts[2] !== "new") parts[2] = "{kind}";
  if (parts[4] && parts[3] === "field") parts[4] = "{field}";
  return names.length ? `${parts.join("/")}?${names.join("&")}` : parts.join("/");
}

/** The same, with what makes a form of the schema look different: a kind with states, what a field takes. */
function variety(path) {
  const [, room, kind, , field] = new URL(path, "http://x").pathname.split("/");
  if (room !== "schema" || !kind || kind === "new") return pattern(path);
  return `${pattern(path)} ${field ? typeOf(kind, field) : hasStates(kind)}`;
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
  const at = async (name, ...checks) => {
    const wrong = (await Promise.all(checks)).flat();
    if (wrong.length) wrong.push(`is shown in ${await person.picture(`${person.lang} ${person.path} ${name}`)}`);
    note(name, wrong);
    if (SCREENS && name) await person.picture(`${person.lang} ${person.path} ${name}`, SCREENS);
  };
  await at("", keys(page), language(page, person.lang), twins(page));
  for (const [name, size, own] of [["wide", WIDE, () => []], ["phone", PHONE, touch]]) {
    await page.setViewport(size);
    await at(name, sideways(page), covered(page), own(page), accessibility(page));
  }
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await at("phone, dark", accessibility(page, "color-contrast"));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
}

/** Walks all pages. Gives those that were opened and what is wrong. */
export async function walk(person, seeds = []) {
  const transferred = await meter(person.page);
  const queue = ["/today", ...UNLINKED, ...seeds];
  const seen = new Set(queue.map(variety));
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
      const place = variety(next);
      if (seen.has(place) || !isWalked(next) || next.startsWith("/static/")) continue;
      seen.add(place);
      queue.push(next);
    }
  }
  const met = new Set(walked.map(({ path }) => pattern(path)));
  const missed = PAGES.filter((page) => !met.has(page));
  wrong.push(...missed.map((page) => `nothing leads to ${page}`));
  return { walked, wrong };
}
