// The words on screen, from the catalogues that the console itself has.

import { readFileSync } from "node:fs";

const catalogues = Object.fromEntries(["zh", "en"].map((lang) => {
  const file = new URL(`../../../coordinator/console/text/${lang}.json`, import.meta.url);
  return [lang, JSON.parse(readFileSync(file, "utf8"))];
}));

/** What stands on screen for a key, with its places filled. */
export function say(lang, key, places = {}) {
  const words = catalogues[lang][key];
  if (words === undefined) throw new Error(`no words for ${key} in ${lang}`);
  return words.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}

/** The same with a number, which some languages say otherwise of one. */
export function count(lang, key, n) {
  const one = `${key}.one`;
  return say(lang, n === 1 && one in catalogues[lang] ? one : key, { n: `${n}` });
}

const station = new URL("../../../sync-core/src/schema/station.json", import.meta.url);
const { kinds } = JSON.parse(readFileSync(station, "utf8"));

const kindNamed = (kind) => kinds.find(({ name }) => name === kind);

/** What a field takes ("line", "choice", …); nothing for a field that the station's schema does not have. */
export const typeOf = (kind, field) => kindNamed(kind)?.fields.find(({ name }) => name === field)?.type;

/** Whether records of a kind are handed in, accepted, returned. */
export const hasStates = (kind) => Boolean(kindNamed(kind)?.states);

/** What the schema calls a kind, a field of it, or a value or state of that field. */
export function label(lang, kind, field, value) {
  const ofKind = kindNamed(kind);
  const ofField = field && ofKind.fields.find(({ name }) => name === field);
  const values = field === "state" ? ofKind.states : ofField?.choices;
  const ofValue = value && values.find((choice) => choice.value === value);
  return (ofValue ?? ofField ?? ofKind).labels[lang];
}
