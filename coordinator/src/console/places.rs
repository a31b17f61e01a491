//! The places of the console, each once: the menu shows most of them, the page behind its last item the rest,
//! settings some.

use super::cx::Cx;
use super::views::places::Go;
use super::views::shared::NavItem;

/// Where in the menu a place is shown.
const BOTH: &str = "both";
const WIDE: &str = "wide";
const PHONE: &str = "phone";

/// A place: its address is its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    name: &'static str,
    icon: &'static str,
    label: &'static str,
    /// What is there, said where there is room; empty for what every menu has.
    hint: &'static str,
    show: &'static str,
    /// The group that it begins in the menu; may be empty.
    group: &'static str,
}

impl Place {
    const fn at(name: &'static str, icon: &'static str, words: [&'static str; 2]) -> Self {
        let [label, hint] = words;
        Self {
            name,
            icon,
            label,
            hint,
            show: WIDE,
            group: "",
        }
    }

    const fn on(self, show: &'static str) -> Self {
        Self { show, ..self }
    }

    const fn begins(self, group: &'static str) -> Self {
        Self { group, ..self }
    }

    pub(super) fn href(&self) -> String {
        format!("/{}", self.name)
    }

    /// As a line that leads there.
    pub(super) fn go(&self, cx: &Cx) -> Go {
        Go {
            href: self.href(),
            icon: self.icon.to_owned(),
            label: cx.say(self.label),
            hint: cx.say(self.hint),
            ..Go::default()
        }
    }

    fn item(&self, cx: &Cx, section: &str) -> NavItem {
        NavItem {
            section: self.name.to_owned(),
            href: self.href(),
            icon: self.icon.to_owned(),
            label: cx.say(self.label),
            show: self.show.to_owned(),
            current: self.name == section,
            starts_group: !self.group.is_empty(),
            group: if self.group.is_empty() {
                String::new()
            } else {
                cx.say(self.group)
            },
        }
    }
}

const TODAY: Place = Place::at("today", "today", ["console.nav.today", ""]).on(BOTH);
pub(super) const RECORDS: Place =
    Place::at("records", "list", ["console.nav.records", ""]).on(BOTH);
const NEW: Place = Place::at("new", "plus", ["console.nav.new", ""]).on(BOTH);
pub(super) const SESSION: Place = Place::at(
    "session",
    "session",
    ["console.nav.session", "console.more.session"],
);
pub(super) const REPORTS: Place = Place::at(
    "reports",
    "chart",
    ["console.nav.reports", "console.more.reports"],
);
pub(super) const NOTICE: Place = Place::at(
    "notice",
    "print",
    ["console.nav.notice", "console.more.notice"],
);
pub(super) const SYNC: Place = Place::at("sync", "sync", ["console.nav.sync", ""])
    .on(BOTH)
    .begins("console.nav.group.people");
pub(super) const MEMBERS: Place = Place::at(
    "members",
    "people",
    ["console.nav.members", "console.more.members"],
);
pub(super) const DEVICES: Place = Place::at(
    "devices",
    "phone",
    ["console.nav.devices", "console.more.devices"],
);
const MORE: Place = Place::at("more", "more", ["console.nav.more", ""]).on(PHONE);
pub(super) const HELD: Place = Place::at("held", "held", ["console.nav.held", "console.more.held"])
    .begins("console.nav.group.station");
pub(super) const DUPLICATES: Place = Place::at(
    "duplicates",
    "twins",
    ["console.nav.duplicates", "console.more.duplicates"],
);
pub(super) const IMPORT: Place = Place::at(
    "import",
    "import",
    ["console.nav.import", "console.more.import"],
);
pub(super) const EXPORT: Place = Place::at(
    "export",
    "download",
    ["console.nav.export", "console.more.export"],
);
pub(super) const AUDIT: Place = Place::at(
    "audit",
    "audit",
    ["console.nav.audit", "console.more.audit"],
);
pub(super) const ERASURES: Place = Place::at(
    "erasures",
    "trash",
    ["console.nav.erasures", "console.more.erasures"],
);
pub(super) const SCHEMA: Place = Place::at(
    "schema",
    "form",
    ["console.nav.schema", "console.more.schema"],
);
pub(super) const SETTINGS: Place = Place::at(
    "settings",
    "settings",
    ["console.nav.settings", "console.more.settings"],
);
pub(super) const COMMUNITIES: Place = Place::at(
    "communities",
    "communities",
    ["console.nav.communities", "console.more.communities"],
);

const MENU: [Place; 17] = [
    TODAY, RECORDS, NEW, SESSION, REPORTS, NOTICE, SYNC, MEMBERS, DEVICES, MORE, HELD, DUPLICATES,
    IMPORT, EXPORT, AUDIT, SCHEMA, SETTINGS,
];

/// The menu of a page that belongs to one of its places.
pub(super) fn menu(cx: &Cx, section: &str) -> Vec<NavItem> {
    let all = (!cx.beside.is_empty()).then_some(COMMUNITIES);
    let places = MENU.into_iter().chain(all);
    places.map(|place| place.item(cx, section)).collect()
}
