import assert from "node:assert/strict";
import { fact } from "../lib/fact.mjs";
import { FOUR_LOOKS } from "../lib/looks.mjs";
import { founded } from "../lib/programs.mjs";

fact("link lets one browser in, once", FOUR_LOOKS, async (stage) => {
  const console = await stage.console(await founded());
  const [first, second] = [await stage.visitor(console), await stage.visitor(console)];
  await first.enter();
  assert.equal(first.path, "/today");
  await first.sees("李芳");
  const answer = await second.page.goto(console.link);
  assert.equal(answer.status(), 410);
  await second.sees(second.say("console.open.old"));
  const stranger = await second.go("/today");
  assert.equal(stranger.status(), 401);
  await second.seesNot("李芳");
});
