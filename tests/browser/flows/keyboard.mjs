import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { founded } from "../lib/programs.mjs";

/** No page of a form has more stops. */
const STOPS_MAX = 120;

/** What is wrong with where the focus is: it must be seen, not only be there. */
function unseen() {
  const it = document.activeElement;
  const { left, top, width, height } = it.getBoundingClientRect();
  const at = document.elementFromPoint(left + width / 2, top + height / 2);
  const isOpen = at && (it.contains(at) || at.closest("label")?.contains(it));
  const ringed = [it, it.closest(".opt")].filter(Boolean);
  const hasRing = ringed.some((each) => getComputedStyle(each).outlineStyle !== "none");
  const name = it.outerHTML.slice(0, 160);
  return [isOpen ? "" : `covered: ${name}`, hasRing ? "" : `not marked: ${name}`].filter(Boolean);
}

class Keys {
  constructor(person) {
    Object.assign(this, { person, keyboard: person.page.keyboard });
  }

  /** Goes on with Tab to what a selector names; each stop on the way must be seen. */
  async to(selector) {
    const { page } = this.person;
    for (let stop = 0; stop < STOPS_MAX; stop += 1) {
      await this.keyboard.press("Tab");
      assert.deepEqual(await page.evaluate(unseen), []);
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    }
    assert.fail(`Tab does not come to ${selector} at ${this.person.path}`);
  }

  /** Leaves the menu behind, follows a link of the page. */
  async follow(href) {
    await this.to(".skip");
    await this.keyboard.press("Enter");
    await this.to(`main a[href="${href}"]`);
    await this.person.followed(this.keyboard.press("Enter"));
  }

  async save() {
    await this.to("button[value=save]");
    return this.person.followed(this.keyboard.press("Enter"));
  }
}

fact("record is made with the keyboard alone", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  const keys = new Keys(person);
  await keys.follow("/new");
  await keys.follow("/new/event");
  const refused = await keys.save();
  assert.equal(refused.status(), 422);
  assert.equal(await person.page.evaluate(() => document.activeElement.id), "errors");
  // From the list of what is missing to the first field.
  await keys.to("#errors a");
  await keys.keyboard.press("Enter");
  if (!await person.page.evaluate(() => document.activeElement.matches("[name=title]"))) await keys.to("[name=title]");
  await keys.keyboard.type("反诈讲座");
  await keys.to("[name=place]");
  await keys.keyboard.type("村委会");
  await keys.to("[name=category]");
  const isList = await person.page.evaluate(() => document.activeElement.tagName === "SELECT");
  await keys.keyboard.press(isList ? "ArrowDown" : "Space");
  const saved = await keys.save();
  assert.equal(saved.status(), 200);
  await person.sees(person.say("console.saved"));
  await person.sees("反诈讲座");
});
