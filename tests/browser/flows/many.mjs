import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { demo } from "../lib/programs.mjs";

/** The words of what was chosen and not sent yet. */
function chosen(person) {
  const texts = (all) => all.filter((it) => it.checked).map((it) => it.closest("label").innerText.trim());
  return person.page.$$eval("#in-residents [data-added]", texts);
}

fact("what is chosen from a long list becomes a tick, and more can be chosen", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await demo());
  await person.go("/new/visit");
  const values = await person.page.$$eval("#dl-residents option", (all) => all.slice(0, 2).map((it) => it.value));
  for (const value of values) await person.put("#add-residents", value);
  const [first, second] = values.map((value) => value.split(" · ")[0]);
  const names = [first, first === second ? values[1] : second];
  assert.deepEqual(await chosen(person), names);
  assert.equal(await person.page.$eval("#add-residents", (it) => it.value), "");
  await person.put("#add-residents", "nobody of the list");
  assert.deepEqual(await chosen(person), names);
  await person.put("#add-residents", "");
  await person.page.reload();
  await person.sees(person.say("console.live.restored"));
  assert.deepEqual(await chosen(person), names);
  await person.page.$eval("#in-household", (it) => it.focus());
  await person.page.keyboard.type("3号门");
  await person.choose(person.label("visit", "purpose"), person.label("visit", "purpose", "health"));
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
  await person.follow(person.say("console.record.show_personal"));
  for (const name of [first, second]) await person.sees(name);
});
