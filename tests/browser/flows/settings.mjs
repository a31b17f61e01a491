import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { FOUR_LOOKS } from "../lib/looks.mjs";
import { founded } from "../lib/programs.mjs";
import { say } from "../lib/words.mjs";

async function set(person, name, value) {
  await person.menu("settings");
  await person.choose(person.say(`console.settings.${name}`), person.say(`console.settings.${value}`));
  await person.follow(person.say("console.act.save"));
}

fact("language is changed for all pages", FOUR_LOOKS, async (stage, look) => {
  const person = await stage.person(await founded());
  const other = look.lang === "zh" ? "en" : "zh";
  await set(person, "lang", other);
  await person.sees(say(other, "console.saved"));
  person.lang = other;
  await person.menu("records");
  await person.sees(say(other, "console.records.empty"));
  const lang = await person.page.evaluate(() => document.documentElement.lang);
  assert.equal(lang, other === "zh" ? "zh-CN" : "en");
});

fact("letters grow when large ones are chosen", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  const size = () => person.page.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize));
  const before = await size();
  await set(person, "text", "text_large");
  await person.menu("today");
  const after = await size();
  assert.ok(after > before * 1.2, `${before} px, then ${after} px`);
});

fact("pages are dark when dark is chosen, and follow the system unless it is", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  const brightness = () => person.page.evaluate(() => {
    const parts = getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
    return parts.reduce((sum, part) => sum + part, 0) / parts.length;
  });
  const system = (value) => person.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
  await system("light");
  assert.ok(await brightness() > 200);
  await system("dark");
  assert.ok(await brightness() < 60);
  await set(person, "theme", "theme_light");
  assert.ok(await brightness() > 200);
  await system("light");
  await set(person, "theme", "theme_dark");
  await person.menu("today");
  assert.ok(await brightness() < 60);
});

fact("relay that is none is refused beside the field", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await person.menu("settings");
  await person.type(person.say("console.settings.relay"), "relay.example");
  const answer = await person.follow(person.say("console.act.add"));
  assert.equal(answer.status(), 422);
  const sentence = await person.page.$eval("#relay-e", (it) => it.innerText.trim());
  assert.ok(sentence.length > 5, sentence);
  assert.equal(await person.typed(person.say("console.settings.relay")), "relay.example");
});
