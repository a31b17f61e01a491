import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { banyan, founded } from "../lib/programs.mjs";
import { look } from "../lib/walk.mjs";

const TITLE = "王奶奶门口的路灯";

async function right(person) {
  assert.equal((await look(person)).join("\n"), "");
}

/** The page of a session that is planned, in the village where there is a need. */
async function atSession(stage) {
  const data = await founded();
  const put = (kind, ...fields) => banyan(data, "put", kind, "--space", "良登村", ...fields);
  await put("session", "title=第38次分享会", "starts=2026-03-06 19:30", "place=榕树头");
  const need = await put("need", `title=${TITLE}`, "category=roads", "urgency=high");
  const person = await stage.person(data);
  await person.menu("session");
  await person.sees("第38次分享会");
  return { person, need };
}

fact("need is put on the agenda, and what is agreed about it becomes a task", TWO_LOOKS, async (stage) => {
  const { person, need } = await atSession(stage);
  await person.press(person.say("console.session.add_point"));
  const empty = await person.follow(person.say("console.act.add"));
  assert.equal(empty.status(), 422);
  assert.equal(await person.page.$eval("#line-e", (it) => it.innerText.trim()), person.say("console.session.no_point"));
  await right(person);
  await person.page.select("#need", need);
  await person.follow(person.say("console.act.add"));
  await person.pressAt("#agenda summary");
  await person.put("#agenda input[type=date]", "2026-03-20");
  const refused = await person.followAt("#agenda form[action$='/resolve'] button");
  assert.equal(refused.status(), 422);
  const beside = await person.page.$eval("#agenda [id^='rt-e-']", (it) => it.innerText.trim());
  assert.ok(beside.length > 2, beside);
  assert.equal(await person.page.$eval("#agenda input[type=date]", (it) => it.value), "2026-03-20");
  await right(person);
  await person.type(person.say("console.session.text"), "请供电所换线路");
  const [me] = await person.page.$$eval("#agenda select[name=who] option", (all) => all.filter((it) => it.innerText.includes("李芳")).map((it) => it.value));
  await person.page.select("#agenda select[name=who]", me);
  await person.followAt("#agenda form[action$='/resolve'] button");
  await person.sees("请供电所换线路");
  assert.ok(await person.isShown(".agreed a[href^='/record/']"));
  await right(person);
});

fact("who else came is a number, and the session is closed after it was asked about", TWO_LOOKS, async (stage) => {
  const { person } = await atSession(stage);
  await person.type(person.say("console.session.guests"), "很多");
  const refused = await person.follow(person.say("console.session.save_guests"));
  assert.equal(refused.status(), 422);
  assert.equal(await person.page.$eval("#guests-e", (it) => it.innerText.trim()), person.say("console.err.number"));
  assert.equal(await person.typed(person.say("console.session.guests")), "很多");
  await person.type(person.say("console.session.guests"), "3");
  await person.follow(person.say("console.session.save_guests"));
  assert.equal(await person.typed(person.say("console.session.guests")), "3");
  await person.press(person.say("console.session.close"));
  await person.pressAt("dialog[open] button[value=no]");
  assert.ok(await person.isShown("form[action$='/close']"));
  await person.press(person.say("console.session.close"));
  await person.followAt("dialog[open] button[value=yes]");
  assert.ok(!await person.isShown("form[action$='/close']"), "what is closed is not closed again");
});
