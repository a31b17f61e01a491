//! What people read, in both languages: one catalogue file each, beside this one.
//!
//! A text may have places `{name}`; [`Text::with`] fills them. What kinds, fields and choices are called is in
//! the schema, which a community adds to: a text knows the one that its words are for.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, OnceLock};

use sync_core::replica::Replica;
use sync_core::schema::{Lang, Schema};

/// Of the command line, and of the console.
const EN: [&str; 2] = [
    include_str!("text/en.json"),
    include_str!("../console/text/en.json"),
];
const ZH: [&str; 2] = [
    include_str!("text/zh.json"),
    include_str!("../console/text/zh.json"),
];
/// Where the system says which language people read, the strongest first.
const LOCALES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The catalogue of one language, with the kinds of records that it speaks of.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    lang: Lang,
    words: &'static HashMap<String, String>,
    /// None for the station's own.
    schema: Option<Arc<Schema>>,
}

impl Text {
    /// The catalogue of a language. It is read once: rows of an import ask for it each.
    pub(crate) fn of(lang: Lang) -> Self {
        static READ: [OnceLock<HashMap<String, String>>; 2] = [OnceLock::new(), OnceLock::new()];
        let [en, zh] = &READ;
        let words = match lang {
            Lang::En => en.get_or_init(|| read(EN)),
            Lang::Zh => zh.get_or_init(|| read(ZH)),
        };
        Self {
            lang,
            words,
            schema: None,
        }
    }

    /// The same words for what the community of a replica writes down.
    pub(crate) fn about(&self, replica: &Replica) -> Self {
        self.with_schema(replica.shared_schema())
    }

    /// The same words for kinds of another schema.
    pub(crate) fn with_schema(&self, schema: Arc<Schema>) -> Self {
        Self {
            schema: Some(schema),
            ..self.clone()
        }
    }

    /// The kinds of records that are spoken of.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.as_deref().unwrap_or_else(|| Schema::station())
    }

    /// The language that the arguments ask for, or else the system's. Help and the complaint about
    /// wrong arguments need it before the arguments are read properly.
    pub(crate) fn choose(args: &[OsString]) -> Self {
        let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
        let asked = words
            .iter()
            .enumerate()
            .find_map(|(position, word)| match *word {
                "--lang" => words.get(position + 1).copied(),
                word => word.strip_prefix("--lang="),
            });
        let of_system = || {
            let locale = LOCALES
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
            locale.and_then(|locale| locale.parse().ok())
        };
        let asked = asked.and_then(|word| word.parse().ok());
        Self::of(asked.or_else(of_system).unwrap_or(Lang::En))
    }

    /// The language.
    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// A text without places to fill.
    pub(crate) fn say(&self, key: &str) -> String {
        self.find(key).unwrap_or(key).to_owned()
    }

    /// The same for templates.
    pub(crate) fn get<'t>(&'t self, key: &'t str) -> &'t str {
        self.find(key).unwrap_or(key)
    }

    /// A text, if there is one with this key.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }

    /// A text with its places filled.
    pub(crate) fn with(&self, key: &str, places: &[(&str, &str)]) -> String {
        fill(self.find(key).unwrap_or(key), places)
    }

    /// A text about a number of things; English has a form of its own for one (`key.one`).
    pub(crate) fn count(&self, key: &str, count: u64) -> String {
        self.count_with(key, count, &[])
    }

    /// The same with other places filled too.
    pub(crate) fn count_with(&self, key: &str, count: u64, places: &[(&str, &str)]) -> String {
        let one = (count == 1)
            .then(|| self.find(&format!("{key}.one")))
            .flatten();
        let number = crate::output::thousands(count);
        let places = [&[("n", number.as_str())], places].concat();
        fill(one.unwrap_or_else(|| self.get(key)), &places)
    }
}

fn read(catalogues: [&str; 2]) -> HashMap<String, String> {
    let mut words = HashMap::new();
    for json in catalogues {
        let part: HashMap<String, String> =
            serde_json::from_str(json).expect("the catalogues are checked by a test");
        words.extend(part);
    }
    words
}

/// Fills places from left to right, so that what is filled in is never taken for a place.
fn fill(template: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = after.split_once('}').and_then(|(name, after)| {
            let value = places.iter().find(|(place, _)| *place == name)?.1;
            Some((value, after))
        });
        if let Some((value, after)) = place {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use super::*;

    fn catalogue(parts: [&str; 2]) -> BTreeMap<String, String> {
        let parts =
            parts.map(|json| -> BTreeMap<String, String> { serde_json::from_str(json).unwrap() });
        parts.into_iter().flatten().collect()
    }

    fn places(text: &str) -> BTreeSet<String> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            .collect()
    }

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path
                .extension()
                .is_some_and(|ext| ext == "rs" || ext == "html")
            {
                found.push(path);
            }
        }
    }

    /// Every string literal in source and templates that looks like a key of the catalogue.
    fn keys_in_source() -> BTreeSet<String> {
        let mut files = Vec::new();
        for room in ["src", "console/templates"] {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(room);
            sources(&dir, &mut files);
        }
        let text: String = files
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        text.split('"')
            .filter(|part| part.contains('.') && part.len() < 60)
            .filter(|part| {
                part.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            })
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_and_places() {
        let (en, zh) = (catalogue(EN), catalogue(ZH));
        let singular = |key: &&String| key.ends_with(".one");
        let keys = |map: &BTreeMap<String, String>| -> BTreeSet<String> {
            map.keys().filter(|key| !singular(key)).cloned().collect()
        };
        assert_eq!(keys(&en), keys(&zh));
        for (key, text) in &zh {
            assert_eq!(places(text), places(&en[key]), "{key}");
            assert!(!text.trim().is_empty(), "{key}");
        }
    }

    #[test]
    fn every_key_that_the_source_names_exists_and_none_is_left_over() {
        let en = catalogue(EN);
        let named = keys_in_source();
        let groups = [
            "console.", "err.", "help.", "out.", "head.", "word.", "demo.",
        ];
        for key in named
            .iter()
            .filter(|key| groups.iter().any(|group| key.starts_with(group)))
        {
            let is_stem = en.keys().any(|known| known.starts_with(&format!("{key}.")));
            assert!(
                en.contains_key(key) || is_stem || key.ends_with('.'),
                "missing: {key}"
            );
        }
        for key in en.keys() {
            let is_built = [
                "help.",
                "act.",
                "hold.",
                "refusal.",
                "exit.",
                "close.",
                "damage.",
                "console.filter.",
                "console.group.",
                "console.role.",
                "console.today.",
                "console.type.",
                "report.what.",
                "word.clue.",
                "word.deed.",
                "word.role.",
                "demo.column.",
                "demo.lost.claim.",
                "demo.lost.name.",
            ]
            .iter()
            .any(|group| key.starts_with(group));
            let stem = key.strip_suffix(".one").unwrap_or(key);
            assert!(is_built || named.contains(stem), "nobody says: {key}");
        }
    }

    #[test]
    fn one_thing_has_its_own_form_with_the_number_in_it() {
        let text = Text::of(Lang::En);
        assert_eq!(text.count("console.flag.late", 1), "1 day late");
        assert_eq!(text.count("console.flag.late", 2), "2 days late");
        let places = [("date", "26 Nov"), ("who", "Li")];
        assert_eq!(
            text.count_with("console.today.late_days", 1, &places),
            "due 26 Nov · Li · 1 day late"
        );
        assert_eq!(text.count("console.members.devices", 1), "One device");
    }

    #[test]
    fn places_are_filled_once() {
        assert_eq!(
            fill("a {x} b {y} {z}", &[("x", "{y}"), ("y", "2")]),
            "a {y} b 2 {z}"
        );
    }
}
