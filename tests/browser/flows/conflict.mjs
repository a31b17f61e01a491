import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { banyan, founded, joined } from "../lib/programs.mjs";
import { look } from "../lib/walk.mjs";

const headcount = (person) => person.label("event", "headcount");

async function change(person, people) {
  await person.follow(person.say("console.record.edit"));
  await person.type(headcount(person), people);
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
}

async function sync(person) {
  await person.menu("sync");
  await person.follow(person.say("console.sync.now"));
}

async function pick(person, value) {
  for (const option of await person.page.$$(".clash .opt")) {
    if ((await option.$eval(".val", (it) => it.innerText)) === value) await person.click(option);
  }
}

/** Whose value was not kept finds that on the first page, and what holds now behind it. */
async function isTold(person, id) {
  await person.menu("today");
  await person.sees(person.say("console.today.told", { who: "李芳" }));
  await person.open(`/record/${id}#talk`);
  await person.sees(person.say("console.clash.told", { field: headcount(person), who: "李芳" }));
  assert.ok(!await person.isShown(".clash"));
  assert.equal(await person.page.$eval("#f-headcount .val", (it) => it.innerText), "11");
}

fact("two who write without a network see both values, one chooses, the other is told", TWO_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const event = ["title=反诈讲座", "place=村委会", "date=2026-03-04", "category=safety"];
  const id = await banyan(owner, "put", "event", "--space", "良登村", ...event);
  const member = await joined(owner, "陈小明");
  const [lead, other] = [await stage.person(owner), await stage.person(member)];
  for (const person of [lead, other]) await person.go(`/record/${id}`);
  await relay.kill();
  await change(lead, "11");
  await change(other, "8");
  await relay.start();
  for (const person of [lead, other, lead]) await sync(person);
  for (const person of [lead, other]) {
    await person.go(`/record/${id}`);
    await person.sees(person.say("console.clash.title", { field: headcount(person) }));
    const values = await person.page.$$eval(".clash .val", (all) => all.map((it) => it.innerText));
    assert.deepEqual(values.sort(), ["11", "8"]);
  }
  for (const person of [lead, other]) assert.equal((await look(person)).join("\n"), "");
  await pick(lead, "11");
  await lead.follow(lead.say("console.clash.pick"));
  await lead.sees(lead.say("console.clash.chosen", { who: "李芳" }));
  for (const person of [lead, other]) await sync(person);
  await isTold(other, id);
});
