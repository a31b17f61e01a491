import assert from "node:assert/strict";
import path from "node:path";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { folder, founded, joined } from "../lib/programs.mjs";
import { write } from "../lib/visit.mjs";
import { look } from "../lib/walk.mjs";

async function right(person) {
  assert.equal((await look(person)).join("\n"), "");
}

/** A picture as a file: what somebody has on their screen. */
async function photographed(person) {
  const file = path.join(await folder("photo"), "路灯.png");
  await person.page.screenshot({ path: file });
  return file;
}

/** Chooses a file in the form of the record that is open, and sends it. */
async function send(person, file) {
  if (!await person.isShown("#att")) await person.press(person.say("console.attached.add"));
  await (await person.page.waitForSelector("#att", { visible: true })).uploadFile(file);
  return person.follow(person.say("console.attached.go"));
}

/** Whether a picture of the page has really been drawn. */
function drawn(person) {
  return person.page.waitForFunction(() => {
    const picture = document.querySelector("#attached img");
    return picture?.complete && picture.naturalWidth > 0;
  });
}

fact("photo is attached, hidden with personal details, and reaches a colleague", TWO_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const member = await joined(owner, "陈小明");
  const [reader, author] = [await stage.person(owner), await stage.person(member)];
  const record = await write(author);
  const refused = await send(author, new URL(import.meta.url).pathname);
  assert.equal(refused.status(), 422);
  assert.ok((await author.page.$eval("#att-e", (it) => it.innerText.trim())).length > 5);
  await right(author);
  await send(author, await photographed(author));
  await author.sees(author.say("console.attached.done"));
  assert.ok(!await author.isShown("#attached img"), "it is hidden like everything personal");
  await right(author);
  await author.follow(author.say("console.record.show_personal"));
  await drawn(author);
  await author.sees("路灯");
  await right(author);
  await reader.menu("records");
  await reader.page.waitForSelector(`main a[href="${record}"]`);
  await reader.go(`${record}?personal=1`);
  await drawn(reader);
  await right(reader);
});
