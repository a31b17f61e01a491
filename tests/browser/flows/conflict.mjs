import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { banyan, founded, joined } from "../lib/programs.mjs";

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

fact("two who write without a network see both values, and one of them chooses", TWO_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const event = ["title=反诈讲座", "place=村委会", "date=2026-03-04", "category=lecture"];
  const id = await banyan(owner, "put", "event", "--space", "良登村", ...event);
  const member = await joined(owner, "陈小明");
  const [lead, other] = [await stage.person(owner), await stage.person(member)];
  for (const person of [lead, other]) await person.go(`/record/${id}`);
  await relay.stop();
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
  const mine = await lead.page.$$(".clash .opt");
  for (const option of mine) {
    if ((await option.$eval(".val", (it) => it.innerText)) === "11") await option.click();
  }
  await lead.follow(lead.say("console.clash.pick"));
  await lead.sees(lead.say("console.clash.chosen", { who: "李芳" }));
  await other.page.waitForFunction(() => !document.querySelector(".clash"));
  const shown = await other.page.$eval("#f-headcount .val", (it) => it.innerText);
  assert.equal(shown, "11");
});
