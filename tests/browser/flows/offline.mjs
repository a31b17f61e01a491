import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { TWO_LOOKS } from "../lib/looks.mjs";
import { founded, joined } from "../lib/programs.mjs";
import { write } from "../lib/visit.mjs";
import { look } from "../lib/walk.mjs";

/** Waits until the head of the page says so. */
async function pill(person, state) {
  const length = person.look.width === "phone" ? "_short" : "";
  const words = person.say(`console.pill.${state}${length}`);
  const says = (text) => document.getElementById("sync-pill").innerText.trim() === text;
  await person.page.waitForFunction(says, {}, words).catch(async () => {
    assert.fail(`the head does not say "${words}" at ${person.path}; there is: ${await person.words()}`);
  });
}

fact("work goes on while the relay is away, and goes out when it is back", TWO_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const member = await joined(owner, "陈小明");
  const [reader, writer] = [await stage.person(owner), await stage.person(member)];
  await reader.menu("records");
  for (const person of [reader, writer]) await pill(person, "all");
  await relay.stop();
  for (const person of [reader, writer]) await pill(person, "offline");
  const record = await write(writer);
  await pill(writer, "offline");
  await writer.menu("sync");
  await writer.sees(writer.count("console.sync.pending", 1));
  await writer.follow(writer.say("console.sync.now"));
  // Whoever does not answer is waited for longer than a person waits for a page.
  await writer.sees(writer.say("console.sync.goes_on"));
  await writer.sees(writer.say("console.sync.lead_off"));
  assert.equal((await look(writer)).join("\n"), "");
  assert.ok(!await reader.isShown(`main a[href="${record}"]`));
  await relay.start();
  // Nobody does anything: both pages come to say so by themselves.
  for (const person of [writer, reader]) await pill(person, "all");
  await writer.sees(writer.say("console.sync.done"));
  await reader.open(record);
});
