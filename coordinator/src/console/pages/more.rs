//! What the bottom bar of a phone has no room for, and what settings lead to.

use sync_core::replica::Replica;

use crate::commands::members;
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, own_name};
use crate::console::views::places::{Go, More, MoreGroup};
use crate::output::thousands;

/// A place: address, picture, what it is called, what is there.
type Place = (&'static str, &'static str, &'static str, &'static str);

const PEOPLE: [Place; 2] = [
    (
        "/members",
        "people",
        "console.nav.members",
        "console.more.members",
    ),
    (
        "/devices",
        "phone",
        "console.nav.devices",
        "console.more.devices",
    ),
];
const EXCHANGE: [Place; 2] = [
    (
        "/import",
        "import",
        "console.nav.import",
        "console.more.import",
    ),
    (
        "/export",
        "download",
        "console.nav.export",
        "console.more.export",
    ),
];
const SESSION: Place = (
    "/session",
    "session",
    "console.nav.session",
    "console.more.session",
);
const REPORTS: Place = (
    "/reports",
    "chart",
    "console.nav.reports",
    "console.more.reports",
);
const NOTICE: Place = (
    "/notice",
    "print",
    "console.nav.notice",
    "console.more.notice",
);
const HELD: Place = ("/held", "held", "console.nav.held", "console.more.held");
const ERASURES: Place = (
    "/erasures",
    "trash",
    "console.nav.erasures",
    "console.more.erasures",
);
const DUPLICATES: Place = (
    "/duplicates",
    "twins",
    "console.nav.duplicates",
    "console.more.duplicates",
);
const AUDIT: Place = ("/audit", "audit", "console.nav.audit", "console.more.audit");
const SCHEMA: Place = (
    "/schema",
    "form",
    "console.nav.schema",
    "console.more.schema",
);
const COMMUNITIES: Place = (
    "/communities",
    "communities",
    "console.nav.communities",
    "console.more.communities",
);
const SETTINGS: Place = (
    "/settings",
    "settings",
    "console.nav.settings",
    "console.more.settings",
);

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let status = replica.status()?;
    let held = Go {
        has_count: status.held > 0,
        count: thousands(status.held),
        ..go(cx, &HELD)
    };
    let pairs = replica.twins()?.pairs().len() as u64;
    let duplicates = Go {
        has_count: pairs > 0,
        count: thousands(pairs),
        ..go(cx, &DUPLICATES)
    };
    let [import, export] = &EXCHANGE;
    let station =
        [import, export, &AUDIT, &ERASURES, &SCHEMA, &SETTINGS].map(|place| go(cx, place));
    let beside = (!cx.beside.is_empty()).then(|| go(cx, &COMMUNITIES));
    let groups = vec![
        MoreGroup {
            title: cx.say("console.group.together"),
            links: vec![go(cx, &SESSION)],
        },
        MoreGroup {
            title: cx.say("console.nav.group.people"),
            links: PEOPLE.iter().map(|place| go(cx, place)).collect(),
        },
        MoreGroup {
            title: cx.say("console.nav.group.station"),
            links: [go(cx, &REPORTS), go(cx, &NOTICE), held, duplicates]
                .into_iter()
                .chain(beside)
                .chain(station)
                .collect(),
        },
    ];
    let roles = members::roles(&status.roles, &cx.text);
    let page = More {
        me_line: format!("{} · {roles}", own_name(replica)),
        groups,
    };
    Ok(Shown::new("more", "sync records roster", page))
}

/// Where settings lead to.
pub(super) fn from_settings(cx: &Cx) -> Vec<Go> {
    let [_, devices] = &PEOPLE;
    let places = [&SCHEMA, devices, &AUDIT, &ERASURES, &HELD];
    places.map(|place| go(cx, place)).into()
}

fn go(cx: &Cx, (href, icon, label, hint): &Place) -> Go {
    Go {
        href: (*href).to_owned(),
        icon: (*icon).to_owned(),
        label: cx.say(label),
        hint: cx.say(hint),
        ..Go::default()
    }
}
