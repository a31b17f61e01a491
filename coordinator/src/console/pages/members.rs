//! Who belongs, by where they have a role.

use std::collections::BTreeMap;

use sync_core::replica::{MemberView, Replica};

use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, initial};
use crate::console::fields;
use crate::console::views::people::{MemberGroup, MemberLine, Members};
use crate::console::views::shared::Notice;
use crate::output::thousands;

/// Groups in the order of the page: who waits, the whole community, the spaces, who has left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Waiting,
    Everywhere,
    Space(String),
    Gone,
}

#[expect(clippy::unnecessary_wraps, reason = "all pages are made alike")]
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let members = replica.members();
    let mut groups: BTreeMap<Group, Vec<MemberLine>> = BTreeMap::new();
    for member in &members {
        for group in groups_of(member) {
            let line = line(replica, cx, member);
            groups.entry(group).or_default().push(line);
        }
    }
    let there = members.iter().filter(|member| !member.is_removed());
    let (n, m): (u64, u64) = there.fold((0, 0), |(n, m), member| {
        (n + 1, m + member.devices.len() as u64)
    });
    let k = thousands(replica.roster().spaces().len() as u64);
    let (n, m) = (thousands(n), thousands(m));
    let groups = groups.into_iter().enumerate();
    let page = Members {
        lead: cx.with("console.members.lead", &[("n", &n), ("m", &m), ("k", &k)]),
        can_invite: super::invite::may_invite(replica),
        notices: notices(replica, cx),
        groups: groups
            .map(|(n, (group, members))| MemberGroup {
                id: format!("m{n}"),
                title: title(cx, &group),
                line: if group == Group::Waiting {
                    cx.say("console.members.waiting")
                } else {
                    String::new()
                },
                members,
            })
            .collect(),
    };
    Ok(Shown::new("members", "roster", page))
}

fn groups_of(member: &MemberView) -> Vec<Group> {
    if member.is_removed() {
        return vec![Group::Gone];
    }
    if member.is_provisional {
        return vec![Group::Waiting];
    }
    let groups = member.roles.iter().map(|(_, space)| match space {
        None => Group::Everywhere,
        Some(space) => Group::Space(space.clone()),
    });
    groups.collect()
}

fn title(cx: &Cx, group: &Group) -> String {
    match group {
        Group::Waiting => cx.say("console.members.to_confirm"),
        Group::Everywhere => cx.say("word.everywhere"),
        Group::Space(space) => fields::space_label(cx, space),
        Group::Gone => cx.say("word.removed"),
    }
}

fn line(replica: &Replica, cx: &Cx, member: &MemberView) -> MemberLine {
    let name = member.name.clone().unwrap_or_else(|| "?".to_owned());
    let us = replica.device().to_string();
    let is_us = member.devices.contains(&us);
    let is_unwiped = !member.unconfirmed_devices.is_empty();
    let (flag, tone, icon) = if is_unwiped {
        (cx.say("console.members.lost"), "bad", "phone")
    } else if is_us {
        (cx.say("console.members.you"), "info", "person")
    } else {
        (String::new(), "", "info")
    };
    MemberLine {
        href: super::member::href(&member.id),
        initial: initial(&name),
        roles: crate::commands::members::roles(&member.roles, &cx.text),
        devices: cx.count("console.members.devices", member.devices.len() as u64),
        tone: tone.to_owned(),
        has_flag: !flag.is_empty(),
        flag,
        flag_tone: tone.to_owned(),
        flag_icon: icon.to_owned(),
        name,
    }
}

fn notices(replica: &Replica, cx: &Cx) -> Vec<Notice> {
    let alone = replica.is_alone_at_top().then(|| Notice {
        tone: "warn".to_owned(),
        icon: "warn".to_owned(),
        text: cx.say("console.notice.alone"),
    });
    alone.into_iter().collect()
}
