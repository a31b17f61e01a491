// A visit, written with the form as volunteers do.

/** What the schema calls a visit, a field of it, or a value of that field. */
export const visit = (person, field, value) => person.label("visit", field, value);

/** Opens the empty form. */
export async function begin(person) {
  await person.menu("new");
  await person.open("/new/visit");
  await person.sees(person.say("console.form.new", { kind: visit(person) }));
}

/** Writes what has to be written, and saves it. Gives the address of the record. */
export async function write(person) {
  await begin(person);
  await person.type(visit(person, "household"), "3号门 王奶奶");
  await person.choose(visit(person, "purpose"), visit(person, "purpose", "health"));
  await person.type(visit(person, "minutes"), "45");
  await person.type(visit(person, "findings"), "量了血压。");
  await person.follow(person.say("console.act.save"));
  await person.sees(person.say("console.saved"));
  return person.path;
}
