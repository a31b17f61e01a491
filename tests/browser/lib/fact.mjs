// One thing that holds, told by people who do it. What it opens is closed again, and a picture of every
// window is kept if it does not hold.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { leave } from "./browser.mjs";
import { Person } from "./person.mjs";
import { Console, Relay } from "./programs.mjs";

after(leave);

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

  /** Keeps a picture of every window; says where. */
  async pictures(name) {
    const taken = this.people.map((person, at) => person.picture(`${name} ${at + 1}`));
    const settled = await Promise.allSettled(taken);
    return settled.map(({ value, reason }, at) => `${this.people[at].path} is shown in ${value ?? reason}`);
  }

  /** The programs that ended although nobody stopped them. */
  fallen() {
    return this.programs.map((program) => program.fallen()).filter(Boolean);
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
        assert.deepEqual(stage.fallen(), []);
      } catch (error) {
        const told = [...stage.fallen(), ...await stage.pictures(`${name} ${look.name}`)];
        error.message += `\n${told.join("\n")}`;
        throw error;
      } finally {
        for (const { context } of stage.people) await context.close().catch(() => null);
        await stage.stop();
      }
    });
  }
}
