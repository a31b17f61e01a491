// Fills in any form that is made from a schema, so that there is a record of every kind to look at.

/** Fills every input of the form that is open with something that its field takes. */
export function fill(page, words) {
  return page.evaluate((words) => {
    const form = document.querySelector("form[data-editing]");
    const inputs = [...form.elements].filter(({ name, type }) => name && !["hidden", "submit"].includes(type));
    const groups = new Map(inputs.map((it) => [it.name, []]));
    for (const it of inputs) groups.get(it.name).push(it);
    const suggestion = (it) => it.list?.options[0]?.value ?? "";
    const number = (it) => (it.name.endsWith(".lat") ? "23.0512" : it.name.endsWith(".lon") ? "112.9345" : "1");
    for (const group of groups.values()) {
      const [it] = group;
      const isEmpty = !group.some(({ type, checked, value }) => (["radio", "checkbox"].includes(type) ? checked && value : value));
      if (it.type === "radio" && isEmpty) it.checked = true;
      else if (it.type === "radio") continue;
      else if (it.type === "checkbox") { if (isEmpty) it.checked = true; }
      else if (it.tagName === "SELECT") { if (!it.value) it.value = [...it.options].find(({ value }) => value)?.value ?? ""; }
      else if (it.list || it.hasAttribute("list")) it.value = suggestion(it);
      else if (it.type === "date") it.value ||= "2026-03-04";
      else if (it.type === "datetime-local") it.value ||= "2026-03-04T19:30";
      else if (["numeric", "decimal"].includes(it.inputMode)) it.value = number(it);
      else it.value = words;
    }
    // The empty choice of a group stands last and is ticked at first.
    for (const it of form.querySelectorAll("input[type=radio][value='']:checked")) {
      const first = form.querySelector(`input[type=radio][name="${it.name}"]`);
      first.checked = true;
    }
  }, words);
}
