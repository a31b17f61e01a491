// The pictures of the README, of the community that `banyan demo` makes.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import path from "node:path";
import { leave } from "./lib/browser.mjs";
import { PHONE, WIDE } from "./lib/looks.mjs";
import { Person } from "./lib/person.mjs";
import { Console, demo, makeDemo } from "./lib/programs.mjs";

/** The most that a picture may take, in bytes. */
const PICTURE_BYTES_MAX = 200_000;

const wide = { lang: "en", width: "wide", size: { ...WIDE, height: 1000 } };
const phone = { width: "phone", size: { ...PHONE, deviceScaleFactor: 2 } };

/** What each picture shows: in which window, and how one comes there. */
const PICTURES = {
  today: { look: wide, come: toToday },
  conflict: { look: { ...phone, lang: "en" }, come: toConflict },
  form: { look: { ...phone, lang: "zh" }, come: (person) => person.go("/new/visit") },
};

async function toToday(person) {
  await person.menu("today");
  await person.follow(person.say("console.tour.away"));
}

async function toConflict(person) {
  await person.go("/records?flag=clash");
  const first = await person.page.$eval("main a[href^='/record/']", (it) => it.getAttribute("href"));
  await person.open(first);
  await person.page.$eval(".clash", (it) => it.scrollIntoView({ block: "start", behavior: "instant" }));
}

/** Waits until the head says how the relay is reached: the demonstration's is gone. */
function settled(person) {
  const length = person.look.width === "phone" ? "_short" : "";
  const says = (text) => document.getElementById("sync-pill").innerText.trim() === text;
  return person.page.waitForFunction(says, {}, person.say(`console.pill.offline${length}`));
}

async function picture(name, into) {
  const { look, come } = PICTURES[name];
  const console = await Console.start(await demo(), look.lang);
  try {
    const person = await Person.at(console, look);
    // What has just changed is tinted for a moment, unless motion is not wanted.
    await person.page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
    await person.enter();
    await come(person);
    await settled(person);
    const file = path.join(into, `${name}.png`);
    await person.page.screenshot({ path: file });
    await person.leave();
    return file;
  } finally {
    await console.stop();
  }
}

/** Takes the named pictures, or all, into a folder. */
export async function take(into, ...names) {
  await makeDemo(process.env.BANYAN_DEMO, { villages: 6, volunteers: 10 });
  for (const name of names.length ? names : Object.keys(PICTURES)) {
    const file = await picture(name, into);
    const { size } = await stat(file);
    assert.ok(size < PICTURE_BYTES_MAX, `${file} has ${size} bytes`);
    process.stdout.write(`${file}: ${size} bytes\n`);
  }
  await leave();
  return 0;
}
