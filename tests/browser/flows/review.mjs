import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { founded, joined } from "../lib/programs.mjs";
import { visit, write } from "../lib/visit.mjs";
import { look } from "../lib/walk.mjs";

const FLAW = "请补上量的血压";
const MENDED = "血压 150/95，已劝他去卫生站。";

async function move(person, state) {
  const words = visit(person, "state", state);
  await person.follow(words);
  await person.sees(person.say("console.moved", { state: words }));
}

/** Waits until a record stands in a queue of the first page, without loading that again; then opens it. */
async function takeUp(person, record) {
  await person.page.waitForSelector(`#queues a[href="${record}"]`);
  await person.open(record);
}

async function right(person) {
  assert.equal((await look(person)).join("\n"), "");
}

/** Sends back what is open; first without a reason, which is refused. */
async function sendBack(lead) {
  const returned = visit(lead, "state", "returned");
  const refused = await lead.follow(returned);
  assert.equal(refused.status(), 422);
  const beside = await lead.page.$eval("#why-e", (it) => it.innerText.trim());
  assert.equal(beside, lead.say("console.review.need_reason"));
  await right(lead);
  await lead.type(lead.say("console.review.why"), FLAW);
  await lead.choose(lead.say("console.review.where"), visit(lead, "findings"));
  await lead.follow(returned);
  await lead.sees(lead.say("console.moved", { state: returned }));
}

/** Follows the reason to the field that it is about, and corrects that. */
async function correct(author) {
  await author.sees(FLAW);
  await right(author);
  await author.press(author.say("console.review.pointed", { field: visit(author, "findings") }));
  await author.page.waitForFunction(() => location.hash === "#f-findings");
  await author.follow(author.say("console.record.fix"));
  const isClear = await author.page.$eval("#in-findings", (it) => {
    const { left, top } = it.getBoundingClientRect();
    return document.elementFromPoint(left + 9, top + 9) === it;
  });
  assert.ok(isClear, "the field that the reason is about is on screen");
  await author.type(visit(author, "findings"), MENDED);
  await author.follow(author.say("console.act.save"));
  await author.sees(author.say("console.saved"));
}

fact("what is handed in comes back with a reason, is corrected, and accepted", TWO_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const member = await joined(owner, "陈小明");
  const [lead, author] = [await stage.person(owner), await stage.person(member)];
  await lead.menu("today");
  const record = await write(author);
  await move(author, "submitted");
  await takeUp(lead, record);
  await sendBack(lead);
  // The author has the record open all the while.
  await correct(author);
  await lead.menu("today");
  await move(author, "resubmitted");
  await takeUp(lead, record);
  await lead.follow(lead.say("console.record.show_personal"));
  await lead.sees(MENDED);
  await move(lead, "accepted");
  await author.sees(visit(author, "state", "accepted"));
  await lead.menu("today");
  assert.ok(!await lead.isShown(`#queues a[href="${record}"]`), "what is accepted waits no more");
});
