// What comes in from a table, and goes out as a file.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { downloads } from "../lib/browser.mjs";
import { folder, founded } from "../lib/programs.mjs";
import { write } from "../lib/visit.mjs";
import { look } from "../lib/walk.mjs";

const TABLE = "住户,走访日期,走访目的,备注甲\n3号门,2026-03-04,健康随访,一\n4号门,2026-03-05,串门,二\n5号门,那天,健康随访,三\n";
const CHOSEN = { "map.0": "household", "map.1": "date", "map.2": "purpose", "map.3": "findings" };

/** On wide screens the menu has the same word. */
const EXPORT = "form[action='/export'] button";

async function right(person) {
  assert.equal((await look(person)).join("\n"), "");
}

/** Chooses a file and has it looked at. */
async function bring(person, name, content) {
  const file = path.join(await folder("file"), name);
  await writeFile(file, content);
  await (await person.page.$("#file")).uploadFile(file);
  return person.follow(person.say("console.import.look"));
}

const select = (person, name, value) => person.page.select(`select[name="${name}"]`, value);
const selected = (person, name) => person.page.$eval(`select[name="${name}"]`, (it) => it.value);
const dry = (person) => person.follow(person.say("console.import.dry"));
const complaint = (person) => person.page.$eval(".errsum", (it) => it.innerText.trim());

async function count(person) {
  await person.go("/records?kind=visit");
  return (await person.page.$$("main a[href^='/record/']")).length;
}

fact("table is looked at, tried without saving anything, and imported", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await person.menu("import");
  await select(person, "kind", "visit");
  const refused = await bring(person, "broken.xlsx", "PK\u0003\u0004 and no more");
  assert.equal(refused.status(), 422);
  assert.ok((await complaint(person)).length > 5);
  assert.equal(await selected(person, "kind"), "visit");
  await right(person);
  await bring(person, "走访.csv", TABLE);
  await person.sees(person.say("console.import.map", { file: "走访.csv", n: "3", m: "4" }));
  for (const [name, field] of Object.entries({ ...CHOSEN, "map.3": "household" })) await select(person, name, field);
  assert.equal((await dry(person)).status(), 422);
  const household = person.label("visit", "household");
  const places = { first: "住户", second: "备注甲", field: household };
  assert.equal(await complaint(person), person.say("console.import.twice", places));
  for (const [name, field] of Object.entries({ ...CHOSEN, "map.3": "household" })) assert.equal(await selected(person, name), field);
  await right(person);
  await select(person, "map.3", "findings");
  await select(person, "word.2", "check_in=串门");
  await dry(person);
  await person.sees(person.say("console.import.checked"));
  await person.sees("那天");
  await right(person);
  const check = person.path;
  assert.equal(await count(person), 0, "nothing is saved yet");
  await person.go(check);
  await person.follow(person.count("console.import.do", 2));
  await person.sees(person.say("console.import.done", { file: "走访.csv" }));
  await person.follow(person.say("console.import.open"));
  assert.equal(await count(person), 2);
});

fact("records are exported as a file, and a choice without records is refused and stays", TWO_LOOKS, async (stage) => {
  const person = await stage.person(await founded());
  await write(person);
  await person.menu("export");
  await select(person, "kind", "proposal");
  await person.choose(person.say("console.export.format"), person.say("console.export.csv"));
  const refused = await person.followAt(EXPORT);
  assert.equal(refused.status(), 422);
  assert.equal(await complaint(person), person.say("console.export.nothing"));
  assert.equal(await selected(person, "kind"), "proposal");
  assert.equal(await person.page.$eval("[name=format]:checked", (it) => it.value), "csv");
  await right(person);
  await select(person, "kind", "visit");
  const file = await downloads(person, await folder("downloads"), () => person.pressAt(EXPORT));
  assert.equal((await readFile(file)).subarray(0, 2).toString(), "PK", "tables in a ZIP");
});
