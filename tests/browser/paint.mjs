// How long it takes from a click to the page that it leads to being painted, in a real browser, on the community
// that `banyan demo` makes, or on that in the folder which BANYAN_DATA names. A measurement: nothing fails because
// it is slow.

import os from "node:os";
import { browser, leave } from "./lib/browser.mjs";
import { WIDE } from "./lib/looks.mjs";
import { Person } from "./lib/person.mjs";
import { Console, demo, makeDemo } from "./lib/programs.mjs";

/** How often every page is come to. The first round fills caches and is left out. */
const ROUNDS = 40;

/** The way through the pages: what is clicked, and what that is called in the table (not measured without). */
const WAY = [
  { link: "nav a[href='/today']", page: "today" },
  { link: "nav a[href='/records']", page: "records" },
  { link: "main a[href^='/record/']", page: "record" },
  { link: "nav a[href='/new']" },
  { link: "main a[href='/new/visit']", page: "form (new visit)" },
  { link: "nav a[href='/sync']", page: "sync" },
  { link: "nav a[href='/reports']", page: "reports" },
  // Nothing is looked up for it: what every page costs.
  { link: "header a[href='/settings']", page: "settings (the floor)" },
];

/** Keeps when something was clicked, for the page that comes: both count from the same moment. */
function note() {
  addEventListener("click", (event) => {
    sessionStorage.setItem("clicked", `${performance.timeOrigin + event.timeStamp}`);
  }, true);
}

/** Milliseconds from the click before to the first and the largest paint of the page that is open. */
function painted() {
  const clicked = Number(sessionStorage.getItem("clicked"));
  const of = (type) => new Promise((resolve) => {
    new PerformanceObserver((list, observer) => {
      const last = list.getEntries().filter(({ name, entryType }) => name === type || entryType === type).at(-1);
      if (!last) return;
      observer.disconnect();
      resolve(performance.timeOrigin + last.startTime - clicked);
    }).observe({ type: type === "first-contentful-paint" ? "paint" : type, buffered: true });
  });
  return Promise.all([of("first-contentful-paint"), of("largest-contentful-paint")]);
}

/** The value that a part of all does not exceed. */
function at(part, values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

async function go(person, link) {
  const handle = await person.page.waitForSelector(link, { visible: true });
  await person.followed(person.click(handle));
  return person.page.evaluate(painted);
}

function table(measured) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const ms = (value) => `${Math.round(value)} ms`;
  const rows = [...measured].map(([page, all]) => {
    const [first, largest] = [0, 1].map((at) => all.map((pair) => pair[at]));
    return [page, ms(at(0.5, first)), ms(at(0.95, first)), ms(at(0.5, largest)), ms(at(0.95, largest))];
  });
  const head = ["click to", "first paint p50", "p95", "largest paint p50", "p95"];
  return [head, head.map(() => "---"), ...rows].map(line).join("\n");
}

async function sixVillages() {
  await makeDemo(process.env.BANYAN_DEMO, { villages: 6, volunteers: 10 });
  return demo();
}

/** Measures, and prints a table. */
export async function measure(rounds = `${ROUNDS}`) {
  const console = await Console.start(process.env.BANYAN_DATA ?? await sixVillages(), "en");
  const person = await Person.at(console, { lang: "en", width: "wide", size: WIDE });
  const measured = new Map();
  try {
    await person.page.evaluateOnNewDocument(note);
    await person.enter();
    for (let round = 0; round <= Number(rounds); round += 1) {
      for (const { link, page } of WAY) {
        const pair = await go(person, link);
        if (page && round) measured.set(page, [...measured.get(page) ?? [], pair]);
      }
    }
    await person.leave();
  } finally {
    await console.stop();
  }
  const version = await (await browser()).version();
  const load = os.loadavg()[0].toFixed(1);
  process.stdout.write(`${os.cpus().length} cores (${os.cpus()[0].model}), ${version}, ${rounds} rounds, load ${load}\n\n${table(measured)}\n`);
  await leave();
  return 0;
}
