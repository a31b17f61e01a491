// The browser: one for the whole run, a profile of its own for every person.

import { existsSync } from "node:fs";
import path from "node:path";
import puppeteer from "puppeteer-core";

const PLACES = ["chromium", "chromium-browser", "google-chrome-stable"];

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = process.env.PATH.split(":");
  const found = PLACES.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find(existsSync);
  if (!found) throw new Error("There is no Chromium on this computer: install it, or name it in CHROMIUM.");
  return found;
}

/** Starts the browser. As root, as in a container, it cannot have its own sandbox. */
export function launch(profile) {
  const isRoot = process.getuid() === 0;
  return puppeteer.launch({
    executablePath: executable(),
    userDataDir: profile,
    args: [
      "--headless", ...(isRoot ? ["--no-sandbox"] : []),
      "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions", "--disable-quic", "--disable-sync",
      "--disable-background-networking", "--disable-component-update", "--no-first-run",
      "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
      "--disable-background-timer-throttling",
    ],
  });
}

let connected = null;

/** The browser that the run started. */
export function browser() {
  connected ??= puppeteer.connect({ browserWSEndpoint: process.env.BANYAN_BROWSER, defaultViewport: null });
  return connected;
}

/** Lets go of it, so that this program can end. */
export async function leave() {
  if (connected) await (await connected).disconnect();
  connected = null;
}

/** The file that somebody's browser keeps because of what is done. */
export async function downloads(person, into, act) {
  const session = await person.page.createCDPSession();
  const settings = { behavior: "allow", browserContextId: person.context.id, downloadPath: into, eventsEnabled: true };
  await session.send("Browser.setDownloadBehavior", settings);
  const names = new Map();
  const kept = new Promise((resolve, reject) => {
    session.on("Browser.downloadWillBegin", ({ guid, suggestedFilename }) => names.set(guid, suggestedFilename));
    session.on("Browser.downloadProgress", ({ guid, state }) => {
      if (state === "completed") resolve(path.join(into, names.get(guid)));
      if (state === "canceled") reject(new Error(`${names.get(guid)} was not kept`));
    });
  });
  await act();
  const file = await kept;
  await session.detach();
  return file;
}
