// The programs as people start them: banyan, its console, a relay. Each in a temporary folder.

import { execFile, spawn } from "node:child_process";
import { cp, mkdtemp } from "node:fs/promises";
import { createInterface } from "node:readline";
import path from "node:path";
import { promisify } from "node:util";

/** Longest that a program may take to say that it is ready, or to end, in milliseconds. */
const PATIENCE = 60_000;

const run = promisify(execFile);
const running = new Set();

/** Nothing of the settings of this computer; a time zone that stays the same. */
const surroundings = { PATH: process.env.PATH, TZ: "Asia/Shanghai" };

function program(name) {
  return path.join(process.env.BANYAN_PROGRAMS, name);
}

/** A folder of its own, inside the one that the whole run removes at its end. */
export function folder(name) {
  return mkdtemp(path.join(process.env.BANYAN_TEMP, `${name}-`));
}

/** Runs a command to its end and gives what it printed; fails with what it complained of. */
export async function banyan(data, ...args) {
  const all = ["--data", data, "--lang", "en", ...args];
  const { stdout } = await run(program("banyan"), all, { env: surroundings, timeout: PATIENCE * 3 });
  return stdout.trim();
}

/** A program that goes on, and the first line that it prints. */
async function start(name, args) {
  const child = spawn(program(name), args, { env: surroundings, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let complaints = "";
  child.stderr.on("data", (bytes) => { complaints += bytes; });
  const ended = new Promise((resolve) => child.once("close", resolve));
  ended.then(() => running.delete(child));
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name} says nothing`)), PATIENCE);
    lines.once("line", (line) => { clearTimeout(late); resolve(line); });
    ended.then((code) => { clearTimeout(late); reject(new Error(`${name} ended with ${code}: ${complaints}`)); });
  });
  let fall = "";
  let isEnding = false;
  ended.then((code) => { if (!isEnding) fall = `${name} ended by itself with ${code ?? child.signalCode}: ${complaints}`; });
  const end = async (signal) => { isEnding = true; child.kill(signal); await ended; };
  return { first, fallen: () => fall, stop: () => end("SIGINT"), kill: () => end("SIGKILL") };
}

process.once("exit", () => { for (const child of running) child.kill("SIGKILL"); });

/** The console of one person's data folder. */
export class Console {
  static async start(data, lang) {
    const { first, ...program } = await start("banyan", ["--data", data, "--lang", lang, "--json", "serve", "--port", "0"]);
    return Object.assign(new Console(), { ...JSON.parse(first), data, lang, ...program });
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }
}

/** A relay that takes every community, on a port that stays the same when it is started again. */
export class Relay {
  static async start() {
    const relay = Object.assign(new Relay(), { data: await folder("relay"), listen: "127.0.0.1:0" });
    await relay.start();
    return relay;
  }

  async start() {
    const { first, ...program } = await start("banyan-relay", ["--data", this.data, "--listen", this.listen, "--open"]);
    this.address = first.split(" ").at(-1);
    this.listen = this.address.split("@").at(-1);
    Object.assign(this, program);
  }
}

/** A community with one village and its owner; with a relay if one is given. */
export async function founded({ relay } = {}) {
  const data = await folder("owner");
  // Without a relay nobody meets: all may begin with a copy of one community.
  if (relay) await found(data, ["--relay", relay.address]);
  else await cp(process.env.BANYAN_FOUNDED, data, { recursive: true });
  return data;
}

/** Makes that community in a folder. */
export async function found(data, where = []) {
  await banyan(data, "found", "--name", "丹灶", "--as", "李芳", ...where);
  await banyan(data, "space", "add", "良登村");
}

/** Somebody whom the owner invited into the village, and who has met the relay. */
export async function joined(owner, name, role = "volunteer") {
  const printed = await banyan(owner, "invite", "--space", "良登村", "--role", role);
  const ticket = printed.split("\n")[0];
  await banyan(owner, "sync");
  const data = await folder("member");
  await banyan(data, "join", ticket, "--name", name);
  for (const each of [data, owner, data]) await banyan(each, "sync");
  return data;
}

/** A copy of somebody's folder of the community that the demonstration made. */
export async function demo(whose = "coordinator") {
  const data = await folder(whose);
  await cp(path.join(process.env.BANYAN_DEMO, whose), data, { recursive: true });
  return data;
}

/** Lets the demonstration make its community in a folder. */
export async function makeDemo(into, { villages, volunteers }) {
  const size = ["--villages", `${villages}`, "--volunteers", `${volunteers}`];
  await run(program("banyan"), ["--data", into, "--json", "demo", "--no-serve", ...size, "--keep", into], { env: surroundings, timeout: PATIENCE * 5 });
}
