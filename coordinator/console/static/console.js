// The console's only script. Pages can be read and every form can be sent without it.
// It keeps what is on screen fresh, asks before dangerous things, and keeps unsaved text.
"use strict";
(() => {
  const body = document.body, words = body.dataset;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- the quiet bar at the bottom ----
  let bar = null;
  function showBar(text, action, act) {
    if (bar && bar.dataset.says === text) return;
    hideBar();
    bar = document.createElement("div");
    bar.className = "livebar no-print";
    bar.dataset.says = text;
    bar.setAttribute("role", "status");
    const line = document.createElement("span");
    line.textContent = text;
    bar.append(line);
    const button = (label, run) => {
      const b = document.createElement("button");
      b.type = "button";
      b.className = "btn";
      b.textContent = label;
      b.addEventListener("click", run);
      bar.append(b);
    };
    if (action) button(action, act);
    button(words.later, hideBar);
    body.append(bar);
  }
  function hideBar() {
    if (bar) bar.remove();
    bar = null;
  }
  const hear = (text) => { document.getElementById("live-say").textContent = text; };

  // ---- live updates: one EventSource; the same page is fetched again and its parts are swapped ----
  const isDirty = (field) => {
    if (field.type === "hidden" || field.type === "submit" || field.type === "button") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") {
      const first = [...field.options].findIndex((o) => o.defaultSelected);
      return field.selectedIndex !== Math.max(first, 0);
    }
    return field.value !== field.defaultValue;
  };
  function isBusy(part) {
    if (part.querySelector("dialog[open], [aria-invalid]")) return true;
    const focus = document.activeElement;
    if (focus && part.contains(focus) && focus.matches("input, textarea, select")) return true;
    return all("input, textarea, select", part).some(isDirty);
  }
  // The page's own address: that of a form, which a refused one is shown at, cannot be fetched.
  const here = words.here || location.href;
  function showAgain() {
    if (new URL(here, location.href).pathname === location.pathname) location.reload();
    else location.assign(here);
  }
  // Where the focus is inside a part: by id, else by its place among the part's links and buttons.
  function focusOf(part) {
    const focus = document.activeElement;
    if (!focus || !part.contains(focus)) return null;
    return { id: focus.id, href: focus.getAttribute("href"), at: all("a, button, summary", part).indexOf(focus) };
  }
  function giveFocus(part, was) {
    const links = all("a, button, summary", part);
    const next = (was.id && part.querySelector("#" + CSS.escape(was.id)))
      || links.find((l) => was.href && l.getAttribute("href") === was.href) || links[was.at] || null;
    if (next) next.focus({ preventScroll: true });
  }
  function swap(old, fresh) {
    const was = focusOf(old);
    const open = all("details", old).map((d) => d.open);
    const scrolls = all(".scroll", old).map((s) => s.scrollLeft);
    const copy = document.importNode(fresh, true);
    all("details", copy).forEach((d, i) => { if (i < open.length) d.open = open[i]; });
    old.replaceWith(copy);
    all(".scroll", copy).forEach((s, i) => { s.scrollLeft = scrolls[i] || 0; });
    if (was) giveFocus(copy, was);
    copy.classList.add("changed");
  }
  // Which changes of its record a form was filled in upon.
  const seenBy = (root) => root.querySelector("form[data-editing] [name=seen]");
  function isOvertaken(page) {
    const shown = seenBy(document), now = seenBy(page);
    return Boolean(shown && now && shown.value !== now.value);
  }
  let running = false, again = false, timer = 0;
  async function refresh() {
    if (running || document.hidden) { again = true; return; }
    running = true;
    again = false;
    try {
      const answer = await fetch(here, { headers: { "X-Live": "1" }, credentials: "same-origin", cache: "no-store" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const top = scrollY;
      let kept = false, swapped = false;
      for (const old of all("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh) { kept = true; continue; }
        const shown = old.cloneNode(true);
        shown.classList.remove("changed");
        if (!shown.className) shown.removeAttribute("class");
        if (shown.outerHTML === fresh.outerHTML) continue;
        if (isBusy(old)) kept = true; else { swap(old, fresh); swapped = swapped || old.id !== "sync-pill"; }
      }
      if (all("[data-live]", page).some((part) => !document.getElementById(part.id))) kept = true;
      if (scrollY !== top) scrollTo(scrollX, top);
      if (isOvertaken(page)) showBar(words.overtaken, words.show, showAgain);
      else if (kept) showBar(words.fresh, words.show, showAgain);
      else if (swapped) hear(words.fresh);
    } catch {
      // Nobody answers; the EventSource says so.
    } finally {
      running = false;
      if (again) soon();
    }
  }
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 40);
  }
  let source = null, lost = false;
  function listen() {
    if (!words.liveOn || !window.EventSource || source) return;
    source = new EventSource(words.events);
    for (const topic of words.liveOn.split(" ")) source.addEventListener(topic, soon);
    // Something came between the making of the page and now.
    source.addEventListener("missed", soon);
    source.onopen = () => { if (lost) { lost = false; hideBar(); soon(); } };
    source.onerror = () => {
      if (!lost) { lost = true; setTimeout(() => { if (lost) showBar(words.lost, "", null); }, 3000); }
      if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(listen, 4000); }
    };
  }
  addEventListener("pagehide", () => { if (source) source.close(); source = null; });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) soon(); });

  // ---- dangerous buttons ask first ----
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    const dialog = form.dataset.confirm && document.getElementById(form.dataset.confirm);
    if (!dialog || !dialog.showModal || form.querySelector("[name=confirmed]")) return;
    if (form.dataset.confirmValue && (!button || button.value !== form.dataset.confirmValue)) return;
    event.preventDefault();
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") { if (button) button.focus(); return; }
      const yes = document.createElement("input");
      yes.type = "hidden";
      yes.name = "confirmed";
      yes.value = "yes";
      form.append(yes);
      form.requestSubmit(button);
    }, { once: true });
    dialog.showModal();
  });

  // ---- what is chosen from a long list becomes a tick, and the box is free for the next ----
  function addTick(box, value) {
    const label = document.createElement("label"), tick = document.createElement("input"), words = document.createElement("span");
    Object.assign(tick, { type: "checkbox", name: box.name, value, checked: true });
    tick.dataset.added = "";
    label.className = "opt";
    const ticks = box.closest("fieldset").querySelector(".opts"), [name] = value.split(" · ");
    // Of two who are called the same, the second one is told apart by the id.
    words.textContent = all("span", ticks).some((s) => s.textContent === name) ? value : name;
    label.append(tick, words);
    ticks.append(label);
  }
  document.addEventListener("input", ({ target }) => {
    if (!("add" in target.dataset) || ![...target.list.options].some((o) => o.value === target.value)) return;
    addTick(target, target.value);
    target.value = "";
  }, { capture: true });

  // ---- unsaved text stays in this tab ----
  const place = (form) => "keep:" + location.pathname + "#" + form.dataset.keep;
  const texts = (form) => all("input, textarea, select", form)
    .filter((f) => f.name && !("added" in f.dataset) && !["hidden", "password", "file", "submit"].includes(f.type));
  const added = (form) => all("[data-added]", form).filter((f) => f.checked).map((f) => [f.name, f.value]);
  const isTick = (f) => f.type === "checkbox" || f.type === "radio";
  function store(key, value) {
    try { if (value) sessionStorage.setItem(key, JSON.stringify(value)); else sessionStorage.removeItem(key); } catch { /* storage is full or switched off */ }
  }
  function load(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  }
  for (const form of all("form[data-keep]")) {
    const key = place(form), kept = load(key);
    if (kept && (kept.sent || form.querySelector("[aria-invalid]"))) store(key, null);
    else if (kept) {
      const fields = texts(form);
      let changed = false;
      for (const [i, name, value] of kept.fields) {
        const field = fields[i];
        if (!field || field.name !== name) continue;
        if (isTick(field)) { changed = changed || field.checked !== value; field.checked = value; }
        else { changed = changed || field.value !== value; field.value = value; }
      }
      for (const [name, value] of kept.added || []) {
        const box = form.querySelector(`[data-add][name="${CSS.escape(name)}"]`);
        if (box) { addTick(box, value); changed = true; }
      }
      const details = form.closest("details");
      if (changed && details) details.open = true;
      if (changed) showBar(words.restored, "", null);
    }
    // Only what was typed: the rest may be changed by others until the page is shown again.
    form.addEventListener("input", () => store(key, {
      fields: texts(form).map((f, i) => [i, f, isTick(f) ? f.checked : f.value])
        .filter(([, f]) => isDirty(f)).map(([i, f, value]) => [i, f.name, value]),
      added: added(form),
    }));
    form.addEventListener("submit", () => {
      const now = load(key);
      if (now) store(key, { ...now, sent: true });
    });
  }
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of all("form[data-keep]")) {
      const now = load(place(form));
      if (now) store(place(form), { ...now, sent: false });
    }
    listen();
  });

  // ---- "/" goes to the search box; errors get the focus; two buttons that need a script ----
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    const box = all("[data-find]").find((b) => b.offsetParent);
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  });
  const errors = document.getElementById("errors");
  if (errors) errors.focus();
  for (const button of all("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const box = document.getElementById(button.dataset.copy);
      box.select();
      if (navigator.clipboard) navigator.clipboard.writeText(box.value); else document.execCommand("copy");
    });
  }
})();
