import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { FOUR_LOOKS } from "../lib/looks.mjs";
import { founded } from "../lib/programs.mjs";
import { begin, visit, write } from "../lib/visit.mjs";

fact("form keeps what was typed and says what is wrong beside the field", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await begin(person);
  await person.type(visit(person, "minutes"), "四十五");
  await person.type(visit(person, "findings"), "血压 150/95，<劝> 她 & 复查");
  const answer = await person.follow(person.say("console.act.save"));
  assert.equal(answer.status(), 422);
  assert.equal(await person.refusal("household"), person.say("console.err.empty"));
  assert.equal(await person.refusal("minutes"), person.say("console.err.number"));
  assert.equal(await person.typed(visit(person, "minutes")), "四十五");
  assert.equal(await person.typed(visit(person, "findings")), "血压 150/95，<劝> 她 & 复查");
  assert.equal(await person.page.evaluate(() => document.activeElement.id), "errors");
  await person.type(visit(person, "household"), "3号门 王奶奶");
  await person.choose(visit(person, "purpose"), visit(person, "purpose", "health"));
  await person.type(visit(person, "minutes"), "45");
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
});

fact("visit is found by two characters and by the first letters of pinyin", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await write(person);
  const { path } = person;
  for (const words of ["奶奶", "wnn", "王奶奶"]) {
    await person.menu("today");
    await person.find(words);
    assert.ok(await person.isShown(`main a[href="${path}"]`), `"${words}" does not find it`);
  }
  await person.find("陈家");
  await person.sees(person.say("console.records.no_match"));
});

fact("visit is changed, and the history says what was there before", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await write(person);
  await person.follow(person.say("console.record.edit"));
  assert.equal(await person.typed(visit(person, "minutes")), "45");
  await person.type(visit(person, "minutes"), "50");
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
  const last = await person.page.$eval("#history .change:last-of-type", (it) => it.innerText);
  assert.match(last, /45.*50/);
});

fact("names are covered until somebody asks to see them", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await write(person);
  await person.seesNot("王奶奶");
  await person.follow(person.say("console.record.show_personal"));
  await person.sees("王奶奶");
  await person.follow(person.say("console.record.hide_personal"));
  await person.seesNot("王奶奶");
});

fact("text that was not saved comes back into the form", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await begin(person);
  await person.type(visit(person, "findings"), "还没写完");
  await person.menu("today");
  await person.page.goBack();
  await person.page.reload();
  assert.equal(await person.typed(visit(person, "findings")), "还没写完");
});

fact("visit raises a need, which leads back to it", FOUR_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  const path = await write(person);
  const need = (field, value) => person.label("need", field, value);
  await person.follow(need());
  await person.type(need("title"), "屋檐漏雨");
  await person.choose(need("category"), need("category", "housing"));
  await person.choose(need("urgency"), need("urgency", "high"));
  await person.follow(person.say("console.act.save"));
  await person.open(path);
  await person.sees(person.say("console.record.links"));
  await person.follow(person.say("console.record.show_personal"));
  await person.sees("屋檐漏雨");
});
