// The walk through all pages in one language.

import assert from "node:assert/strict";
import { accessibility, sideways, touch } from "./checks.mjs";
import { fact } from "./fact.mjs";
import { PHONE, WIDE } from "./looks.mjs";
import { demo } from "./programs.mjs";
import { COORDINATORS, LARGE, PAGES } from "../pages.mjs";
import { examine, firstOfEachList, walk, writeOfEachKind } from "./walk.mjs";

export function walkIn(lang) {
  const look = { lang, width: "wide", size: WIDE, name: lang };

  fact("every page that the menu leads to is right at both widths and in the dark", [look], async (stage) => {
    const person = await stage.person(await demo());
    const special = await firstOfEachList(person);
    const written = await writeOfEachKind(person);
    assert.ok(written.length >= 14, `only ${written.length} kinds can be written`);
    const seeds = [...special, ...written.flatMap(({ path }) => [path, `${path}/edit`])];
    const { walked, wrong } = await walk(person, seeds);
    const largest = walked.reduce((most, page) => (page.bytes > most.bytes ? page : most));
    stage.tell(`${walked.length} pages; the largest first visit is ${largest.path}: ${largest.bytes} bytes`);
    assert.equal(wrong.join("\n"), "");
  });

  fact("pages outside the menu are right too", [look], async (stage) => {
    const console = await stage.console(await demo());
    const person = await stage.visitor(console);
    const wrong = [];
    const look = (path) => examine(person, (width, all) => wrong.push(...all.map((it) => `${path} ${width}: ${it}`)));
    await person.go("/today");
    await look("a stranger's page");
    await person.page.goto(console.link);
    await look("the page of the link");
    await person.enter();
    for (const [path, status] of [["/nowhere", 404], [new URL(console.link).pathname, 410]]) {
      const answer = await person.go(path);
      assert.equal(answer.status(), status, path);
      await look(path);
    }
    assert.equal(wrong.join("\n"), "");
  });

  fact("form that was refused is right too", [look], async (stage) => {
    const person = await stage.person(await demo());
    const wrong = [];
    await person.go("/new/visit");
    await person.follow(person.say("console.act.save"));
    await examine(person, (width, all) => wrong.push(...all.map((it) => `${width}: ${it}`)));
    assert.equal(wrong.join("\n"), "");
  });

  fact("large letters in the dark fit and can be read", [look], async (stage) => {
    const person = await stage.person(await demo());
    await person.menu("settings");
    await person.choose(person.say("console.settings.text"), person.say("console.settings.text_large"));
    await person.choose(person.say("console.settings.theme"), person.say("console.settings.theme_dark"));
    await person.follow(person.say("console.act.save"));
    const wrong = [];
    for (const path of LARGE) {
      await person.go(path);
      for (const size of [WIDE, PHONE]) {
        await person.page.setViewport(size);
        const all = [...await sideways(person.page), ...await touch(person.page), ...await accessibility(person.page)];
        wrong.push(...all.map((it) => `${path} at ${size.width}: ${it}`));
      }
    }
    assert.equal(wrong.join("\n"), "");
  });

  fact("pages of a volunteer are right too, or say that somebody else has to do this", [look], async (stage) => {
    const person = await stage.person(await demo("volunteer-01"));
    const wrong = [];
    for (const path of PAGES.filter((page) => !page.includes("{"))) {
      const status = (await person.go(path)).status();
      const may = COORDINATORS.includes(path) ? [404] : [200, 403];
      if (!may.includes(status)) wrong.push(`${path} answers ${status}`);
      await examine(person, (width, all) => wrong.push(...all.map((it) => `${path} ${width}: ${it}`)));
    }
    assert.equal(wrong.join("\n"), "");
  });
}
