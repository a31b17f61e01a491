//! The frame around every page: who is here, the menu, and whether everything has been sent.

use sync_core::replica::Replica;
use sync_core::roster::role::Scope;
use sync_core::schema::Lang;

use super::answer::Shown;
use super::assets;
use super::cx::{Cx, Trouble, highest_role, initial, own_name};
use super::places;
use super::views::shared::Shell;

/// Without menu and names, for pages that stand alone.
fn bare(cx: &Cx, community: &str) -> Shell {
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
        news: cx.news,
        has_beside: !cx.beside.is_empty(),
        beside: cx.beside.to_vec(),
        ..Shell::default()
    }
}

/// The same for a page that may listen.
pub(super) fn alone(cx: &Cx, name: &str, shown: &Shown) -> Shell {
    Shell {
        section: shown.section.to_owned(),
        live: listens_to(shown.live),
        ..bare(cx, name)
    }
}

pub(super) fn build(replica: &Replica, cx: &Cx, shown: &Shown) -> Result<Shell, Trouble> {
    let community = replica.title();
    let community = community.unwrap_or_else(|| cx.say("word.unknown_title"));
    let me = own_name(replica);
    let unsent = replica.unsent_count()?;
    let (tone, icon, line, short) = pill(cx, replica.relays().is_empty(), unsent);
    let flash = cx.flash.clone();
    Ok(Shell {
        me_initial: initial(&me),
        me,
        my_role: own_role(replica, cx),
        sync_tone: tone.to_owned(),
        sync_icon: icon.to_owned(),
        sync_line: line,
        sync_short: short,
        nav: places::menu(cx, shown.section),
        has_flash: flash.is_some(),
        flash_tone: flash.as_ref().map_or("", |flash| flash.tone).to_owned(),
        flash_icon: flash.as_ref().map_or("", |flash| flash.icon).to_owned(),
        flash: flash.map_or_else(String::new, |flash| flash.line),
        ..alone(cx, &community, shown)
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
fn pill(cx: &Cx, has_no_relay: bool, unsent: u64) -> (&'static str, &'static str, String, String) {
    if has_no_relay || cx.net.offline.is_some() {
        let line = cx.say("console.pill.offline");
        return ("bad", "offline", line, cx.say("console.pill.offline_short"));
    }
    let is_met = cx.net.caught_up_at.is_some();
    if unsent > 0 || !is_met {
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
