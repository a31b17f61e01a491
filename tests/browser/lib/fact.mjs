// One thing that holds, told by people who do it. What it opens is closed again, and a picture of every
// window is kept if it does not hold.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, test } from "node:test";
import { leave } from "./browser.mjs";
import { Person } from "./person.mjs";
import { Console, Relay } from "./programs.mjs";

after(leave);

/** Where pictures of failures are kept. */
const PICTURES = process.env.BANYAN_PICTURES;

class Stage {
  constructor(look, told) {
    Object.assign(this, { look, told, people: [], programs: [] });
  }

  async console(data, lang = this.look.lang) {
    const console = await Console.start(data, lang);
    this.programs.push(console);
    return console;
  }

  async relay() {
    const relay = await Relay.start();
    this.programs.push(relay);
    return relay;
  }

  /** A window on a console, on the page with the button that lets in. */
  async visitor(console, look = this.look) {
    const person = await Person.at(console, look);
    this.people.push(person);
    return person;
  }

  /** Somebody who has come into the console of a data folder. */
  async person(data, look = this.look) {
    const person = await this.visitor(await this.console(data, look.lang), look);
    await person.enter();
    return person;
  }

  /** Says something beside the outcome, such as what was measured. */
  tell(line) {
    this.told.diagnostic(line);
  }

  async pictures(name) {
    await mkdir(PICTURES, { recursive: true });
    const file = (at) => path.join(PICTURES, `${name.replace(/\W+/g, "_")}-${at + 1}.png`);
    const taken = this.people.map(({ page }, at) => page.screenshot({ path: file(at), fullPage: true }));
    await Promise.allSettled(taken);
    return this.people.map(({ path }, at) => `${path} is shown in ${file(at)}`);
  }

  async stop() {
    for (const program of this.programs) await program.stop();
  }
}

/** States a fact: `act` makes it come true, once for every look. */
export function fact(name, looks, act) {
  for (const look of looks) {
    test(`${name} (${look.name})`, async (told) => {
      const stage = new Stage(look, told);
      try {
        await act(stage, look);
        for (const person of stage.people) await person.leave();
      } catch (error) {
        error.message += `\n${(await stage.pictures(`${name} ${look.name}`)).join("\n")}`;
        throw error;
      } finally {
        for (const { context } of stage.people) await context.close().catch(() => null);
        await stage.stop();
      }
    });
  }
}
