//! The frame around every page: who is here, the menu, and whether everything has been sent.

use sync_core::replica::Replica;
use sync_core::roster::role::Scope;
use sync_core::schema::Lang;

use super::answer::Shown;
use super::assets;
use super::cx::{Cx, Trouble, highest_role, initial, own_name};
use super::views::shared::{NavItem, Shell};

/// A place of the menu: section, address, picture, label, where it is shown, group that it begins.
type Place = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const PLACES: [Place; 17] = [
    ("today", "/today", "today", "console.nav.today", "both", ""),
    (
        "records",
        "/records",
        "list",
        "console.nav.records",
        "both",
        "",
    ),
    ("new", "/new", "plus", "console.nav.new", "both", ""),
    (
        "session",
        "/session",
        "session",
        "console.nav.session",
        "wide",
        "",
    ),
    (
        "reports",
        "/reports",
        "chart",
        "console.nav.reports",
        "wide",
        "",
    ),
    (
        "notice",
        "/notice",
        "print",
        "console.nav.notice",
        "wide",
        "",
    ),
    (
        "sync",
        "/sync",
        "sync",
        "console.nav.sync",
        "both",
        "console.nav.group.people",
    ),
    (
        "members",
        "/members",
        "people",
        "console.nav.members",
        "wide",
        "",
    ),
    (
        "devices",
        "/devices",
        "phone",
        "console.nav.devices",
        "wide",
        "",
    ),
    ("more", "/more", "more", "console.nav.more", "phone", ""),
    (
        "held",
        "/held",
        "held",
        "console.nav.held",
        "wide",
        "console.nav.group.station",
    ),
    (
        "duplicates",
        "/duplicates",
        "twins",
        "console.nav.duplicates",
        "wide",
        "",
    ),
    (
        "import",
        "/import",
        "import",
        "console.nav.import",
        "wide",
        "",
    ),
    (
        "export",
        "/export",
        "download",
        "console.nav.export",
        "wide",
        "",
    ),
    ("audit", "/audit", "audit", "console.nav.audit", "wide", ""),
    (
        "schema",
        "/schema",
        "form",
        "console.nav.schema",
        "wide",
        "",
    ),
    (
        "settings",
        "/settings",
        "settings",
        "console.nav.settings",
        "wide",
        "",
    ),
];

const COMMUNITIES: Place = (
    "communities",
    "/communities",
    "communities",
    "console.nav.communities",
    "wide",
    "",
);

/// Where a place of the menu is.
pub(super) fn place_of(section: &str) -> Option<&'static str> {
    let mut places = PLACES.iter();
    let place = places.find(|(name, ..)| *name == section);
    place.map(|(_, href, ..)| *href)
}

/// Without menu and names, for pages that stand alone.
pub(super) fn bare(cx: &Cx, community: &str) -> Shell {
    let lang = match cx.text.lang() {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    Shell {
        lang: lang.to_owned(),
        content_lang: "zh-CN".to_owned(),
        theme: cx.prefs.theme.clone(),
        text: cx.prefs.text.clone(),
        community: community.to_owned(),
        asset: assets::version().to_owned(),
        csrf: cx.asked.csrf.clone(),
        back: cx.asked.address(),
        has_beside: !cx.beside.is_empty(),
        beside: cx.beside.to_vec(),
        ..Shell::default()
    }
}

/// For the page of several communities: nothing in it belongs to one.
pub(super) fn of_many(cx: &Cx, shown: &Shown) -> Shell {
    Shell {
        section: shown.section.to_owned(),
        live: shown.live.to_owned(),
        ..bare(cx, &cx.say("console.com.title"))
    }
}

pub(super) fn build(replica: &Replica, cx: &Cx, shown: &Shown) -> Result<Shell, Trouble> {
    let community = replica.title();
    let community = community.unwrap_or_else(|| cx.say("word.unknown_title"));
    let me = own_name(replica);
    let pending = replica.pending_count()?;
    let (tone, icon, line, short) = pill(cx, replica.relays().is_empty(), pending);
    let flash = cx.flash.clone();
    Ok(Shell {
        me_initial: initial(&me),
        me,
        my_role: own_role(replica, cx),
        section: shown.section.to_owned(),
        live: listens_to(shown.live),
        sync_tone: tone.to_owned(),
        sync_icon: icon.to_owned(),
        sync_line: line,
        sync_short: short,
        nav: nav(cx, shown.section),
        has_flash: flash.is_some(),
        flash_tone: flash.as_ref().map_or("", |flash| flash.tone).to_owned(),
        flash_icon: flash.as_ref().map_or("", |flash| flash.icon).to_owned(),
        flash: flash.map_or_else(String::new, |flash| flash.line),
        ..bare(cx, &community)
    })
}

/// Topics of a page that listens at all; the head of every page says how the relay is reached.
fn listens_to(topics: &str) -> String {
    if topics.is_empty() || topics.split(' ').any(|topic| topic == "sync") {
        return topics.to_owned();
    }
    format!("{topics} sync")
}

/// What this person is in the community.
pub(super) fn own_role(replica: &Replica, cx: &Cx) -> String {
    let everywhere = replica
        .roster()
        .role_in(&replica.device(), &Scope::Community);
    everywhere.or_else(|| highest_role(replica)).map_or_else(
        || cx.say("word.not_met"),
        |role| cx.say(&format!("word.role.{}", role.name())),
    )
}

/// Whether what was written here has reached a relay.
fn pill(cx: &Cx, has_no_relay: bool, pending: u64) -> (&'static str, &'static str, String, String) {
    if has_no_relay || cx.net.offline.is_some() {
        let line = cx.say("console.pill.offline");
        return ("bad", "offline", line, cx.say("console.pill.offline_short"));
    }
    let is_met = cx.net.caught_up_at.is_some();
    if pending > 0 || !is_met {
        let (line, short) = if is_met {
            ("console.pill.sending", "console.pill.sending_short")
        } else {
            ("console.sync.underway", "console.pill.underway_short")
        };
        return ("warn", "clock", cx.say(line), cx.say(short));
    }
    let line = cx.say("console.pill.all");
    ("good", "check", line, cx.say("console.pill.all_short"))
}

fn nav(cx: &Cx, section: &str) -> Vec<NavItem> {
    let all = &[COMMUNITIES];
    let places = PLACES.iter();
    // To all communities, where there are several.
    let places = places.chain(all.iter().filter(|_| !cx.beside.is_empty()));
    places
        .map(|(name, href, icon, label, show, group)| NavItem {
            section: (*name).to_owned(),
            href: (*href).to_owned(),
            icon: (*icon).to_owned(),
            label: cx.say(label),
            show: (*show).to_owned(),
            current: *name == section,
            starts_group: !group.is_empty(),
            group: if group.is_empty() {
                String::new()
            } else {
                cx.say(group)
            },
            ..NavItem::default()
        })
        .collect()
}
