import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { banyan, founded, joined } from "../lib/programs.mjs";

/** Two people with a console each, and a relay between them; `begin` writes into the owner's folder before. */
async function two(stage, begin = async () => {}) {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  await begin(owner);
  const member = await joined(owner, "陈小明");
  return [await stage.person(owner), await stage.person(member)];
}

async function writeEvent(person, title) {
  const event = (field, value) => person.label("event", field, value);
  await person.go("/new/event");
  await person.type(event("title"), title);
  await person.type(event("place"), "村委会");
  await person.choose(event("category"), event("category", "safety"));
  await person.page.focus("[name=title]");
}

fact("what one writes appears on the other's open page", TWO_LOOKS, async (stage) => {
  const [reader, writer] = await two(stage);
  await reader.menu("records");
  await reader.page.evaluate(() => { window.isSamePage = true; });
  await writeEvent(writer, "反诈讲座");
  const began = performance.now();
  const [, took] = await Promise.all([
    writer.follow(writer.say("console.act.save")),
    reader.sees("反诈讲座").then(() => performance.now() - began),
  ]);
  stage.tell(`from the click to the other's page: ${Math.round(took)} ms`);
  assert.equal(await reader.page.evaluate(() => window.isSamePage), true, "without loading again");
});

fact("what is being typed is not lost when something comes", TWO_LOOKS, async (stage) => {
  const [reader, writer] = await two(stage);
  await writeEvent(writer, "义诊");
  await writer.follow(writer.say("console.act.save"));
  await reader.menu("records");
  await reader.sees("义诊");
  await reader.go(writer.path);
  await reader.type(reader.say("console.record.say"), "我也去");
  await writer.type(writer.say("console.record.say"), "周六上午九点");
  await writer.follow(writer.say("console.record.send"));
  await reader.sees("周六上午九点");
  assert.equal(await reader.typed(reader.say("console.record.say")), "我也去");
});

fact("form whose record somebody changes says so, and shows the change beside what was typed", TWO_LOOKS, async (stage) => {
  const [reader, writer] = await two(stage);
  const event = (field) => writer.label("event", field);
  await writeEvent(writer, "健步走");
  await writer.follow(writer.say("console.act.save"));
  await reader.menu("records");
  await reader.sees("健步走");
  await reader.go(writer.path);
  for (const person of [reader, writer]) await person.follow(person.say("console.record.edit"));
  await reader.type(event("headcount"), "8");
  await writer.type(event("place"), "文化广场");
  await writer.follow(writer.say("console.act.save"));
  await reader.sees(reader.say("console.live.overtaken"));
  await reader.follow(reader.say("console.live.show"));
  assert.equal(await reader.typed(event("place")), "文化广场");
  assert.equal(await reader.typed(event("headcount")), "8");
  await reader.follow(reader.say("console.act.save"));
  for (const words of ["文化广场", "8"]) await reader.sees(words);
  await reader.seesNot(reader.say("console.clash.title", { field: event("place") }));
});

fact("refusal stays beside the field when something comes, and that comes all the same", TWO_LOOKS, async (stage) => {
  let need;
  const fields = ["title=路灯坏了", "category=roads", "urgency=high"];
  const [reader, writer] = await two(stage, async (owner) => {
    need = await banyan(owner, "put", "need", "--space", "良登村", ...fields);
  });
  for (const person of [reader, writer]) await person.go(`/record/${need}`);
  const refused = await reader.follow(reader.label("need", "state", "declined"));
  assert.equal(refused.status(), 422);
  await writer.type(writer.say("console.record.say"), "供电所说本周内来人。");
  await writer.follow(writer.say("console.record.send"));
  await reader.sees("供电所说本周内来人。");
  const beside = await reader.page.$eval("#why-e", (it) => it.innerText.trim());
  assert.equal(beside, reader.say("console.review.need_reason"));
});
