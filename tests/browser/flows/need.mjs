import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { FOUR_LOOKS } from "../lib/looks.mjs";
import { banyan, founded } from "../lib/programs.mjs";

async function atNeed(stage) {
  const data = await founded();
  const need = ["title=路灯坏了", "category=roads", "urgency=high"];
  const id = await banyan(data, "put", "need", "--space", "良登村", ...need);
  const person = await stage.person(data);
  await person.go(`/record/${id}`);
  return person;
}

fact("need is moved on with a reason, and not without one", FOUR_LOOKS, async (stage) => {
  const person = await atNeed(stage);
  const declined = person.label("need", "state", "declined");
  const refused = await person.follow(declined);
  assert.equal(refused.status(), 422);
  await person.sees(person.say("console.review.need_reason"));
  await person.type(person.say("console.review.why"), "已转供电所，等他们回话");
  await person.follow(declined);
  await person.sees(person.say("console.moved", { state: declined }));
  await person.sees("已转供电所，等他们回话");
});

fact("need is moved on with one click where no reason is asked", FOUR_LOOKS, async (stage) => {
  const person = await atNeed(stage);
  const triaged = person.label("need", "state", "triaged");
  await person.follow(triaged);
  await person.sees(person.say("console.moved", { state: triaged }));
});

fact("comment stands below the record", FOUR_LOOKS, async (stage) => {
  const person = await atNeed(stage);
  await person.type(person.say("console.record.say"), "供电所说本周内来人。\n<b>不是标记</b>");
  await person.follow(person.say("console.record.send"));
  const said = await person.page.$eval("#comments", (it) => it.innerText);
  assert.ok(said.includes("供电所说本周内来人。\n<b>不是标记</b>") && said.includes("李芳"), said);
});
