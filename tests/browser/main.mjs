// Runs the flows, takes the pictures of the README, or measures how soon pages are painted.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { launch } from "./lib/browser.mjs";
import { found, makeDemo } from "./lib/programs.mjs";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
/** Longest that one file of flows may take, in milliseconds. */
const FILE_MILLIS_MAX = 10 * 60_000;

/** How many files of flows run at once. The longest are the walks, which begin first; others mostly wait for a page. */
const AT_ONCE = 3;

/** The flows of which the names contain one of the given words; all, if none is given. */
async function flows(words) {
  const names = (await readdir(path.join(here, "flows"))).filter((name) => name.endsWith(".mjs")).sort();
  const chosen = names.filter((name) => !words.length || words.some((word) => name.includes(word)));
  if (!chosen.length) throw new Error(`No flow is called ${words.join(" or ")}; there are ${names.join(", ")}.`);
  const isWalk = (name) => name.startsWith("walk");
  chosen.sort((one, other) => isWalk(other) - isWalk(one));
  return chosen.map((name) => path.join(here, "flows", name));
}

function test(files) {
  return new Promise((resolve) => {
    let failures = 0;
    const events = run({ files, concurrency: AT_ONCE, timeout: FILE_MILLIS_MAX });
    events.on("test:fail", () => { failures += 1; });
    events.compose(new spec()).on("end", () => resolve(failures)).pipe(process.stdout);
  });
}

async function main(args) {
  const temp = await mkdtemp(path.join(tmpdir(), "banyan-browser-"));
  process.env.BANYAN_TEMP = temp;
  process.env.BANYAN_DEMO = path.join(temp, "demo");
  process.env.BANYAN_FOUNDED = path.join(temp, "founded");
  // Beside the folder that is removed in the end: who looks at a failure needs its pictures.
  process.env.BANYAN_PICTURES ??= path.join(tmpdir(), `${path.basename(temp)}-pictures`);
  process.env.BANYAN_PROGRAMS ??= path.join(process.env.CARGO_TARGET_DIR ?? path.join(here, "../../target"), "debug");
  const browser = await launch(path.join(temp, "profile"));
  process.env.BANYAN_BROWSER = browser.wsEndpoint();
  try {
    const [other, ...rest] = args;
    if (other === "--pictures") return await (await import("./pictures.mjs")).take(...rest);
    if (other === "--paint") return await (await import("./paint.mjs")).measure(...rest);
    await Promise.all([makeDemo(process.env.BANYAN_DEMO, { villages: 3, volunteers: 2 }), found(process.env.BANYAN_FOUNDED)]);
    return await test(await flows(args));
  } finally {
    await browser.close();
    await rm(temp, { recursive: true, force: true });
  }
}

process.exitCode = (await main(process.argv.slice(2))) > 0 ? 1 : 0;
