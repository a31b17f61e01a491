import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { founded } from "../lib/programs.mjs";
import { look } from "../lib/walk.mjs";

const SAVE = "form[data-editing] button.main";
const value = (person, name) => person.page.$eval(`[name="${name}"]`, (it) => it.value);

async function right(person) {
  assert.equal((await look(person)).join("\n"), "");
}

/** Types into an input by its name: the words on labels stand in two forms of the page. */
async function write(person, name, text) {
  await person.pressAt(`[name="${name}"]`);
  await person.page.evaluate(() => document.activeElement.select());
  await person.page.keyboard.type(text);
}

/** Chooses the first of a group or list, or what has this value. */
async function choose(person, name, wanted) {
  const isList = await person.page.$(`select[name="${name}"]`);
  if (isList) await person.page.select(`select[name="${name}"]`, wanted);
  else await person.pressAt(`label:has([name="${name}"][value="${wanted}"])`);
}

fact("kind of the community's own is made, given a field, and written", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await person.menu("schema");
  await person.follow(person.say("console.schema.add"));
  await write(person, "label_zh", "课程");
  const refused = await person.followAt(SAVE);
  assert.equal(refused.status(), 422);
  assert.equal(await person.refusal("label_en"), person.say("console.err.empty"));
  assert.equal(await person.refusal("title_zh"), person.say("console.err.empty"));
  assert.equal(await value(person, "label_zh"), "课程");
  await right(person);
  await write(person, "label_en", "Night lesson");
  await choose(person, "group", "growth");
  await choose(person, "create", "lead");
  await write(person, "title_zh", "内容");
  await write(person, "title_en", "What");
  await person.followAt(SAVE);
  const kind = person.lang === "zh" ? "课程" : "Night lesson";
  await person.sees(person.say("console.schema.made", { kind }));
  await write(person, "field_zh", "程度");
  await write(person, "field_en", "Level");
  await choose(person, "type", "choice");
  const without = await person.followAt(SAVE);
  assert.equal(without.status(), 422);
  assert.equal(await person.refusal("choices"), person.say("console.schema.no_choices"));
  assert.equal(await value(person, "field_en"), "Level");
  await right(person);
  await write(person, "choices", "入门 / Beginners");
  await person.followAt(SAVE);
  const field = person.lang === "zh" ? "程度" : "Level";
  await person.sees(person.say("console.schema.added", { field }));
  await person.go("/new/night_lesson");
  await write(person, "what", "量血压");
  await person.choose(field, person.lang === "zh" ? "入门" : "Beginners");
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
  await person.sees("量血压");
});
