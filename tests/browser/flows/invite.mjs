import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { FOUR_LOOKS } from "../lib/looks.mjs";
import { banyan, folder, founded } from "../lib/programs.mjs";

fact("invitation is made, and lets somebody join", FOUR_LOOKS, async (stage) => {
  const relay = await stage.relay();
  const owner = await founded({ relay });
  const person = await stage.person(owner);
  await person.menu("members");
  await person.follow(person.say("console.members.invite"));
  await person.type(person.say("console.invite.uses"), "很多");
  const refused = await person.follow(person.say("console.invite.make"));
  assert.equal(refused.status(), 422);
  await person.sees(person.say("console.invite.err"));
  assert.equal(await person.typed(person.say("console.invite.uses")), "很多");
  await person.type(person.say("console.invite.uses"), "2");
  await person.follow(person.say("console.invite.make"));
  assert.ok(await person.isShown(".qr svg"));
  const ticket = await person.typed(person.say("console.invite.text"));
  await person.menu("sync");
  await person.follow(person.say("console.sync.now"));
  const joiner = await folder("joiner");
  await banyan(joiner, "join", ticket, "--name", "陈小明");
  await banyan(joiner, "sync");
  await person.menu("members");
  await person.sees("陈小明");
});
