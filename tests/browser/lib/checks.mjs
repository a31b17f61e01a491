// What must hold of every page, however it was come to. Each check gives sentences about what is wrong.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
/** What a first visit may transfer, in bytes: the page, its style sheet and its script. */
export const VISIT_BYTES_MAX = 150_000;
/** The least side of what a finger must meet, in CSS pixels. */
const TOUCH_LEAST = 44;

/** Violations of the rules for accessible pages; with `only`, of one of them. */
export async function accessibility(page, only) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(AXE);
  const runOnly = only ? { type: "rule", values: [only] } : { type: "tag", values: RULES };
  const violations = await page.evaluate(async (runOnly) => {
    const { violations } = await window.axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
    return violations.map(({ id, help, nodes }) => {
      const [{ html, any, all, none }] = nodes;
      const why = [...any, ...all, ...none].map(({ message }) => message)[0] ?? "";
      return { id, help, html, why, times: nodes.length };
    });
  }, runOnly);
  const told = ({ id, help, html, why, times }) => `${id}: ${help} (${times} times), first: ${html.slice(0, 300)} ${why}`;
  return violations.map(told);
}

/** What sticks out of the page sideways. */
export function sideways(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("body *")].filter((it) => it.getBoundingClientRect().right > clientWidth + 1);
    const first = wide.map((it) => it.outerHTML.slice(0, 160))[0] ?? "";
    return [`scrolls sideways: ${scrollWidth} wide in ${clientWidth}: ${first}`];
  });
}

/** Keys of the catalogue that stand where words should. */
export function keys(page) {
  return page.evaluate(() => {
    const named = ["aria-label", "placeholder", "title", "alt"];
    const attributes = named.flatMap((name) => [...document.querySelectorAll(`[${name}]`)].map((it) => it.getAttribute(name)));
    const data = Object.values(document.body.dataset);
    const all = [document.title, document.body.innerText, ...attributes, ...data].join("\n");
    const found = all.match(/\b(?:console|word|out|err)\.[a-z][a-z_.0-9]*|\{[a-z]+\}/g) ?? [];
    return found.map((key) => `a key without words: ${key}`);
  });
}

/** What is too small for a finger: of the menu, the head, and all that is pressed or filled in. */
export function touch(page) {
  return page.evaluate((least) => {
    const chosen = "nav a, nav button, header a, header button, .btn, button, summary, select, textarea, input, a.more, a.pill";
    const isSeen = (it) => it.checkVisibility({ checkVisibilityCSS: true }) && !it.closest(".vh");
    return [...document.querySelectorAll(chosen)].filter(isSeen).flatMap((it) => {
      // A tick is met on its whole label.
      const target = ["checkbox", "radio"].includes(it.type) ? it.closest("label") ?? it : it;
      const { width, height } = target.getBoundingClientRect();
      if (it.type === "hidden" || (Math.round(width) >= least && Math.round(height) >= least)) return [];
      return [`too small for a finger, ${Math.round(width)} x ${Math.round(height)}: ${it.outerHTML.slice(0, 160)}`];
    });
  }, TOUCH_LEAST);
}

/** What has a name that something else on the page has too; whatever is described by it means the first. */
export function twins(page) {
  return page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))].map((id) => `two things are called #${id}`);
  });
}

/** What of head and menu lies under something else, where the page begins. */
export function covered(page) {
  return page.evaluate(() => {
    scrollTo(0, 0);
    const isSeen = (it) => it.checkVisibility({ checkVisibilityCSS: true }) && !it.closest(".vh");
    const all = [...document.querySelectorAll("header a, header button, nav a, nav button")].filter(isSeen);
    return all.flatMap((it) => {
      const { left, top, width, height } = it.getBoundingClientRect();
      const at = document.elementFromPoint(left + width / 2, top + height / 2);
      // What is below the edge of the window is met by scrolling.
      if (!at || it.contains(at)) return [];
      return [`covered by ${at.outerHTML.slice(0, 80)}: ${it.outerHTML.slice(0, 160)}`];
    });
  });
}

/** Whether the page says in which language it is. */
export async function language(page, lang) {
  const said = await page.evaluate(() => document.documentElement.lang);
  const wanted = lang === "zh" ? "zh-CN" : "en";
  return said === wanted ? [] : [`its language is "${said}", not "${wanted}"`];
}

/** Counts what a page transfers when nothing is cached. Gives the count since the last question. */
export async function meter(page) {
  const session = await page.createCDPSession();
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  return () => { const sum = bytes; bytes = 0; return sum; };
}
