//! Records as lines of a list.

use sync_core::id::LaneId;
use sync_core::replica::{Replica, ReplicaError, Ticks};
use sync_core::roster::role::Role;
use sync_core::schema::{Kind, State};
use sync_core::store::{Order, RowFilter, ViewRow};
use sync_core::view::twins::{SAME_FIELD, Twins};

use super::reach;

use crate::console::cx::Cx;
use crate::console::fields;
use crate::console::views::shared::{Flag, Row};

/// The field that says until when something is to be done.
const DUE_FIELD: &str = "due";

/// One record as a line of a list.
pub(super) fn row(replica: &Replica, cx: &Cx, row: &ViewRow, ticks: &Ticks) -> Row {
    let state = row.state.as_deref().unwrap_or_default();
    let level = reach::level(replica, ticks);
    Row {
        href: href(row),
        icon: fields::kind_icon(&row.kind).to_owned(),
        kind: fields::kind_label(replica, cx, &row.kind),
        title: fields::title(replica, cx, row),
        place: fields::space_label(cx, &replica.space_name(&row.space)),
        who: replica.name_of(&row.updated_by),
        when: cx.clock.moment(row.updated_at),
        iso: cx.clock.iso(row.updated_at),
        state: if state.is_empty() {
            String::new()
        } else {
            fields::state_label(replica, cx, &row.kind, state)
        },
        state_tone: fields::state_tone(replica, &row.kind, state).to_owned(),
        flags: flags(replica, cx, row),
        tick: reach::number(level),
        tick_word: reach::word(cx, level),
    }
}

/// Where a record is looked at.
pub(super) fn href(row: &ViewRow) -> String {
    format!("/record/{}", row.record)
}

fn flags(replica: &Replica, cx: &Cx, row: &ViewRow) -> Vec<Flag> {
    let mut flags = Vec::new();
    if row.conflicts > 0 {
        flags.push(Flag {
            tone: "warn".to_owned(),
            icon: "clash".to_owned(),
            word: cx.say("console.flag.clash"),
        });
    }
    if is_copy(replica, row) {
        flags.push(Flag {
            tone: "info".to_owned(),
            icon: "twins".to_owned(),
            word: cx.say("console.flag.copy"),
        });
    }
    if let Some(days) = days_late(replica, cx, row) {
        flags.push(Flag {
            tone: "bad".to_owned(),
            icon: "clock".to_owned(),
            word: cx.count("console.flag.late", days),
        });
    }
    flags
}

/// Whether somebody has said that another record is about the same.
fn is_copy(replica: &Replica, row: &ViewRow) -> bool {
    let kind = replica.schema().kind(&row.kind);
    if !kind.is_some_and(Twins::is_about) {
        return false;
    }
    let fields = row.values();
    let same_as = fields.get(SAME_FIELD).and_then(serde_json::Value::as_str);
    same_as.is_some_and(|record| !record.is_empty())
}

/// Kinds that are due on a day that somebody set. A next visit is a plan: another visit may have been made.
pub(super) fn due_kinds(replica: &Replica) -> Vec<String> {
    let kinds = replica.schema().kinds().iter();
    let due = kinds.filter(|kind| kind.due_field() == Some(DUE_FIELD));
    due.map(|kind| kind.name().to_owned()).collect()
}

/// What two people wrote otherwise.
pub(super) fn clashing() -> RowFilter {
    RowFilter {
        only_conflicts: true,
        ..RowFilter::default()
    }
}

/// What was due on a day before today.
pub(super) fn late(replica: &Replica, cx: &Cx) -> RowFilter {
    let today = cx.clock.today();
    RowFilter {
        kinds: due_kinds(replica),
        due_to: Some(today.yesterday().unwrap_or(today).to_string()),
        order: Order::Due,
        ..RowFilter::default()
    }
}

/// For how many days a record has been due.
pub(super) fn days_late(replica: &Replica, cx: &Cx, row: &ViewRow) -> Option<u64> {
    let kind = replica.schema().kind(&row.kind)?;
    kind.due_field().filter(|field| *field == DUE_FIELD)?;
    let due: jiff::civil::Date = row.due.as_deref()?.parse().ok()?;
    let days = due.until(cx.clock.today()).ok()?.get_days();
    u64::try_from(days).ok().filter(|days| *days > 0)
}

/// Whether this person looks at what others hand in in a space.
pub(super) fn may_review(replica: &Replica, space: LaneId) -> bool {
    let role = replica.roster().role_in_space(&replica.device(), &space);
    role >= Some(Role::Lead)
}

/// What this person wrote and others have sent back.
pub(super) fn sent_back(replica: &Replica) -> Result<RowFilter, ReplicaError> {
    let me = replica.roster().member_id(&replica.device());
    let own = me.map(|me| replica.person(me)).transpose()?;
    Ok(RowFilter {
        in_states: states_that(replica, Kind::is_sent_back),
        created_by: Some(own.map_or_else(Vec::new, |own| own.devices)),
        ..RowFilter::default()
    })
}

/// The states of all kinds that something is true of.
fn states_that(replica: &Replica, is: impl Fn(&Kind, &State) -> bool) -> Vec<(String, String)> {
    let kinds = replica.schema().kinds().iter();
    let those = kinds.flat_map(|kind| {
        let states = kind.states().iter().filter(|state| is(kind, state));
        states.map(|state| (kind.name().to_owned(), state.value().to_owned()))
    });
    those.collect()
}

/// What waits for this person's look: of the spaces that they look after, and not their own.
pub(super) fn to_review(replica: &Replica) -> Result<RowFilter, ReplicaError> {
    let roster = replica.roster();
    let mut spaces = fields::spaces(replica);
    let all = spaces.len();
    spaces.retain(|space| may_review(replica, *space));
    if spaces.len() == all {
        // A list of everything asks for no space.
        spaces.clear();
    } else if spaces.is_empty() {
        return Ok(RowFilter {
            created_by: Some(Vec::new()),
            ..RowFilter::default()
        });
    }
    let me = roster.member_id(&replica.device());
    let own = me.map(|me| replica.person(me)).transpose()?;
    Ok(RowFilter {
        in_states: states_that(replica, Kind::is_handed_in),
        spaces,
        not_created_by: own.map_or_else(Vec::new, |own| own.devices),
        ..RowFilter::default()
    })
}
