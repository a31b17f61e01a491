//! Which kind of record is to be written.

use sync_core::replica::Replica;
use sync_core::schema::{Group, Kind};

use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, highest_role};
use crate::console::fields;
use crate::console::views::work::{KindTile, New};

/// Whether records of a kind are begun with a form of their own. Comments and reviews are written where what they
/// are about is looked at, and no form takes a blob.
pub(super) fn has_a_form(kind: &Kind) -> bool {
    kind.blob_fields().is_empty() && !matches!(kind.name(), "comment" | "review")
}

#[expect(clippy::unnecessary_wraps, reason = "all pages are made alike")]
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let role = highest_role(replica);
    let groups = Group::ALL.into_iter();
    let kinds = groups.flat_map(|group| replica.schema().kinds_in(group));
    let kinds = kinds.filter(|kind| has_a_form(kind));
    let kinds = kinds.filter(|kind| role.is_some_and(|role| kind.may_create(role)));
    let tiles = kinds.map(|kind| KindTile {
        href: format!("/new/{}", kind.name()),
        icon: fields::kind_icon(kind.name()).to_owned(),
        label: kind.label(cx.text.lang()).to_owned(),
        hint: cx.say(&format!("console.group.{}", kind.group().name())),
    });
    let new = New {
        kinds: tiles.collect(),
    };
    Ok(Shown::new("new", "sync", new))
}
