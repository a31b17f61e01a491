//! What the bottom bar of a phone has no room for, and what settings lead to.

use sync_core::replica::Replica;

use crate::commands::members;
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, own_name};
use crate::console::places::{
    self, AUDIT, COMMUNITIES, DEVICES, DUPLICATES, ERASURES, EXPORT, HELD, IMPORT, MEMBERS, NOTICE,
    REPORTS, SCHEMA, SESSION, SETTINGS,
};
use crate::console::views::places::{Go, More, MoreGroup};
use crate::output::thousands;

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let status = replica.status()?;
    let counted = |place: places::Place, count: u64| Go {
        has_count: count > 0,
        count: thousands(count),
        ..place.go(cx)
    };
    let held = counted(HELD, status.held);
    let duplicates = counted(DUPLICATES, replica.twins()?.pairs().len() as u64);
    let beside = (!cx.beside.is_empty()).then(|| COMMUNITIES.go(cx));
    let station = [IMPORT, EXPORT, AUDIT, ERASURES, SCHEMA, SETTINGS];
    let groups = vec![
        MoreGroup {
            title: cx.say("console.group.together"),
            links: vec![SESSION.go(cx)],
        },
        MoreGroup {
            title: cx.say("console.nav.group.people"),
            links: [MEMBERS, DEVICES].map(|place| place.go(cx)).into(),
        },
        MoreGroup {
            title: cx.say("console.nav.group.station"),
            links: [REPORTS.go(cx), NOTICE.go(cx), held, duplicates]
                .into_iter()
                .chain(beside)
                .chain(station.map(|place| place.go(cx)))
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
    let places = [SCHEMA, DEVICES, AUDIT, ERASURES, HELD];
    places.map(|place| place.go(cx)).into()
}
