// Somebody at a screen: looks, clicks by the words on it, types.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { browser } from "./browser.mjs";
import { watch } from "./watch.mjs";
import { count, label, say } from "./words.mjs";

/** Longest that something may take to appear, in milliseconds. Nothing waits for so long that works. */
const PATIENCE = 30_000;

/** Where to click, in the page: in the middle of what is found, having scrolled there, clear of head and menu. */
const aimed = (find, what) => {
  const it = find(what);
  if (!it) return null;
  it.scrollIntoView({ block: "center", behavior: "instant" });
  const [box] = it.getClientRects();
  return box && { x: box.left + box.width / 2, y: box.top + box.height / 2 };
};

/** The visible link, button or fold with these words. */
const findButton = (text) => [...document.querySelectorAll("a, button, summary")].find((it) => {
  // Of a link with a line that explains it, its first line.
  const name = it.getAttribute("aria-label") ?? it.innerText.trim().split("\n")[0];
  return it.checkVisibility({ checkVisibilityCSS: true }) && name.trim() === text;
});

const findLink = (address) => [...document.querySelectorAll("main a[href]")]
  .find((it) => it.getAttribute("href") === address && it.checkVisibility({ checkVisibilityCSS: true }));

/** The first that can be seen of what a selector names. */
const findFirst = (selector) => [...document.querySelectorAll(selector)].find((it) => it.checkVisibility({ checkVisibilityCSS: true }));

/** The input whose label begins with these words. */
const findInput = (text) => {
  const labels = [...document.querySelectorAll("main label, header label")];
  const found = labels.find((it) => it.firstChild?.textContent.trim() === text && it.checkVisibility({ checkVisibilityCSS: true }));
  return found && document.getElementById(found.htmlFor);
};

/** The choice with these words, in the group with that legend or in that list. */
const findChoice = ([legend, words]) => {
  const named = (of, text) => of?.firstChild?.textContent.trim() === text;
  const group = [...document.querySelectorAll("fieldset")].find((it) => named(it.querySelector("legend"), legend));
  const label = [...document.querySelectorAll("main label")].find((it) => named(it, legend));
  const options = group ? group.querySelectorAll("label.opt span") : document.getElementById(label?.htmlFor)?.options;
  return [...options ?? []].find((it) => named(it, words));
};

export class Person {
  /** Opens a window on a console, without having come in. */
  static async at(console, look) {
    const context = await (await browser()).createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const isPhone = look.width === "phone";
    await page.setViewport({ ...look.size, isMobile: isPhone, hasTouch: isPhone });
    const faults = watch(page, console.origin);
    return Object.assign(new Person(), { console, look, context, page, faults, lang: look.lang });
  }

  // ---- words ----

  say(key, places) {
    return say(this.lang, key, places);
  }

  count(key, n) {
    return count(this.lang, key, n);
  }

  label(kind, field, value) {
    return label(this.lang, kind, field, value);
  }

  // ---- going ----

  /** Comes in by the one-time link, as it is printed, and the button on its page. */
  async enter() {
    await this.page.goto(this.console.link);
    await this.follow(this.say("console.open.go"));
  }

  async go(path) {
    return this.page.goto(this.console.origin + path);
  }

  get path() {
    return this.page.url().slice(this.console.origin.length);
  }

  /** Clicks what leads to another page, and waits until that is there. */
  async follow(words) {
    const place = await this.aimAtButton(words);
    return this.followed(this.clickAt(place));
  }

  /** Waits for the page that something leads to, which is begun already. */
  async followed(begun) {
    const [answer] = await Promise.all([this.page.waitForNavigation(), begun]);
    return answer;
  }

  /** Clicks a link to an address, once it is there; what is behind "#" stays on the page. */
  async open(address) {
    const place = await this.aim(findLink, address, `nothing leads to ${address}`);
    const clicked = this.clickAt(place);
    return address.startsWith("#") ? clicked : this.followed(clicked);
  }

  /** Goes to a place of the menu; what the menu has no room for is on the page "more". */
  async menu(name) {
    const words = this.say(`console.nav.${name}`);
    const inMenu = await this.isShown(`nav a[href="/${name}"], header a[href="/${name}"]`);
    if (!inMenu) await this.follow(this.say("console.nav.more"));
    await this.follow(words);
  }

  /** Clicks what stays on the page. */
  async press(words) {
    await this.clickAt(await this.aimAtButton(words));
  }

  /** The same for what has no words of its own, such as one of several buttons that say the same. */
  async pressAt(selector) {
    await this.clickAt(await this.aim(findFirst, selector, `there is no ${selector}`));
  }

  async followAt(selector) {
    const place = await this.aim(findFirst, selector, `there is no ${selector}`);
    return this.followed(this.clickAt(place));
  }

  aimAtButton(words) {
    return this.aim(findButton, words, `nothing to click is called "${words}"`);
  }

  /** Waits until something is there; gives its place. A part of the page may come anew until the click: it looks the same. */
  async aim(find, what, missing) {
    const found = await this.page.waitForFunction(`(${aimed})(${find}, ${JSON.stringify(what)})`).catch(async () => {
      assert.fail(`${missing} at ${this.path}; there is: ${await this.words()}`);
    });
    return found.jsonValue();
  }

  clickAt({ x, y }) {
    return this.page.mouse.click(x, y);
  }

  /** Clicks in the middle of something that stays where it is. */
  async click(handle) {
    await handle.evaluate((it) => it.scrollIntoView({ block: "center", behavior: "instant" }));
    await handle.click();
  }

  /** Looks for records: in the box at the top, or where the picture of a glass leads. */
  async find(text) {
    const label = this.say("console.find.label");
    const isAtTop = await this.isShown("header input[type=search]") || this.path.startsWith("/records");
    if (!isAtTop) await this.follow(label);
    await this.type(label, text);
    await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press("Enter")]);
  }

  // ---- looking ----

  /** All words that can be seen on the page. */
  words() {
    return this.page.evaluate(() => document.body.innerText);
  }

  /** Waits until words are on the page. */
  async sees(words) {
    const has = (text) => document.body.innerText.includes(text);
    await this.page.waitForFunction(has, {}, words).catch(async () => {
      assert.fail(`"${words}" does not appear at ${this.path}; there is: ${await this.words()}`);
    });
  }

  async seesNot(words) {
    assert.ok(!(await this.words()).includes(words), `"${words}" is at ${this.path}`);
  }

  /** Whether something is there and can be seen. */
  isShown(selector) {
    return this.page.$$eval(selector, (all) => all.some((it) => it.checkVisibility({ checkVisibilityCSS: true })));
  }

  // ---- writing ----

  /** The input whose label begins with these words. */
  async input(words) {
    const found = await this.page.waitForFunction(findInput, {}, words).catch(async () => {
      assert.fail(`no input is called "${words}" at ${this.path}; there is: ${await this.words()}`);
    });
    return found.asElement();
  }

  /** Types text into an input, in the place of what was there. */
  async type(words, text) {
    await this.clickAt(await this.aim(findInput, words, `no input is called "${words}"`));
    await this.page.evaluate(() => document.activeElement.select());
    await this.page.keyboard.press("Backspace");
    await this.page.keyboard.type(text);
  }

  /** Ticks the choice with these words in the group with that legend, or takes it from that list. */
  async choose(legend, words) {
    const found = await this.page.waitForFunction(findChoice, {}, [legend, words]).catch(() => {
      assert.fail(`"${legend}" has no choice "${words}" at ${this.path}`);
    });
    const option = found.asElement();
    const list = await option.evaluate((it) => it.tagName === "OPTION" && { id: it.parentElement.id, value: it.value });
    if (list) await this.page.select(`#${list.id}`, list.value);
    else await this.click(option);
  }

  /** What stands in an input. */
  async typed(words) {
    return (await this.input(words)).evaluate((it) => it.value);
  }

  /** Gives an input a value at once: for dates, which every language types in another way. */
  async put(selector, value) {
    await this.page.$eval(selector, (it, value) => {
      it.value = value;
      it.dispatchEvent(new Event("input", { bubbles: true }));
    }, value);
  }

  /** The sentence beside an input that was refused, in the words that a screen reader takes. */
  async refusal(name) {
    return this.page.$eval(`#er-${name}`, (it) => it.innerText.trim());
  }

  /** Keeps a picture of the whole page that is open, in the run's folder of pictures or another; gives its file. */
  async picture(name, into = process.env.BANYAN_PICTURES) {
    await mkdir(into, { recursive: true });
    const file = path.join(into, `${name.replace(/[^\p{L}\p{N}]+/gu, "_")}.png`);
    await this.page.screenshot({ path: file, fullPage: true });
    return file;
  }

  // ---- leaving ----

  /** Ends the visit; fails if any page did what it must not. */
  async leave() {
    const { faults } = this;
    await this.context.close();
    assert.equal(faults.join("\n"), "");
  }
}
