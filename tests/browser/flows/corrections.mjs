// What is done with records that are there: a step is undone, one is erased, two are one.

import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { banyan, founded } from "../lib/programs.mjs";
import { visit, write } from "../lib/visit.mjs";
import { look } from "../lib/walk.mjs";

const minutes = (person) => person.page.$eval("#f-minutes .val", (it) => it.innerText);

async function change(person, value) {
  await person.follow(person.say("console.record.edit"));
  await person.type(visit(person, "minutes"), value);
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
}

fact("step of the history is undone, and not if the field was changed since", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await write(person);
  const before = await minutes(person);
  await change(person, "50");
  await person.followAt("#history form[action$='/undo'] button");
  await person.sees(person.say("console.undo.done"));
  assert.equal(await minutes(person), before);
  await change(person, "60");
  await change(person, "70");
  const steps = await person.page.$$eval("#history form[action$='/undo'] [name=change]", (all) => all.map((it) => it.value));
  // The newest stands first; the one before it is not the last word about the field.
  await person.followAt(`#history form:has([value="${steps[1]}"]) button`);
  await person.sees(person.say("console.undo.changed", { field: visit(person, "minutes") }));
  assert.match(await minutes(person), /70/);
});

fact("record is erased for good after it was asked about, and says so from then on", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  const record = await write(person);
  await person.press(person.say("console.erase.go"));
  await person.sees(person.say("console.erase.p1"));
  assert.equal((await look(person)).join("\n"), "");
  await person.press(person.say("console.act.no"));
  assert.ok(!await person.isShown("dialog"), "nothing is erased, and nothing is asked any more");
  assert.ok(await person.isShown("#fields"));
  await person.press(person.say("console.erase.go"));
  await person.follow(person.say("console.erase.yes"));
  await person.sees(person.say("console.record.erased"));
  await person.seesNot("王奶奶");
  assert.equal((await look(person)).join("\n"), "");
  await person.go("/erasures");
  await person.open(record);
  await person.sees(person.say("console.record.erased"));
  await person.menu("records");
  assert.ok(!await person.isShown(`main a[href="${record}"]`));
});

fact("somebody who was written down twice is joined, and taken apart again", TWO_LOOKS, async (stage) => {
  const data = await founded();
  const resident = (...fields) => banyan(data, "put", "resident", "--space", "良登村", "name=周桂芳", "birth_year=1948", ...fields);
  const one = await resident("phone=158 0000 0213", "care=alone");
  await resident("phone=15800000213");
  const person = await stage.person(data);
  await person.menu("duplicates");
  assert.equal((await look(person)).join("\n"), "");
  await person.follow(person.say("console.dup.same"));
  await person.sees(person.say("console.dup.said_same"));
  await person.sees(person.say("console.dup.none"));
  await person.go(`/record/${one}`);
  await person.sees(person.say("console.dup.through"));
  await person.follow(person.say("console.dup.undo"));
  await person.sees(person.say("console.dup.said_open"));
  await person.menu("duplicates");
  await person.follow(person.say("console.dup.other"));
  await person.sees(person.say("console.dup.said_other"));
  await person.sees(person.say("console.dup.none"));
});
