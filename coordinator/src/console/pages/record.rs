//! One record: its fields with who wrote them, its conflicts, what it leads to, comments, history, state.

pub(in crate::console) mod acts;
pub(in crate::console) mod attached;
pub(in crate::console) mod erased;
mod history;
mod onward;
mod review;
mod twins;
pub(in crate::console) mod undo;

use serde_json::Value;
use sync_core::id::{Millis, RecordId};
use sync_core::replica::{Conflict, FieldView, RecordView, Replica, joint};
use sync_core::schema::{Field, FieldType, Kind, State};
use sync_core::store::ViewRow;

use super::{privacy, reach, rows, session};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, initial};
use crate::console::fields;
use crate::console::views::record as views;

/// The kind that is said about others.
const COMMENT: &str = "comment";
/// Records that lead here, on the page.
const LINKS_MAX: usize = 50;

/// A record with its row and its kind.
struct Open {
    id: RecordId,
    row: ViewRow,
    view: RecordView,
    kind: Kind,
}

fn open(replica: &Replica, cx: &Cx) -> Result<Open, Trouble> {
    let id: RecordId = cx.asked.param("id").parse().map_err(|_| Trouble::Missing)?;
    let view = replica.show(id)?;
    let row = replica.store().row(&id)?.ok_or(Trouble::Missing)?;
    let kind = replica.schema().kind(&view.kind);
    let kind = kind.unwrap_or_else(|| Kind::plain()).clone();
    Ok(Open {
        id,
        row,
        view,
        kind,
    })
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    if let Some(gone) = erased::instead(replica, cx)? {
        return Ok(gone);
    }
    let open = open(replica, cx)?;
    shown(replica, cx, &open, Refused::default())
}

/// Which form of the page was refused, and why.
#[derive(Default)]
struct Refused<'t> {
    /// What was typed as a reason.
    reason: Option<(&'t str, String)>,
    /// The file that was to be attached.
    file: Option<String>,
}

fn shown(replica: &Replica, cx: &Cx, open: &Open, refused: Refused<'_>) -> Result<Shown, Trouble> {
    let Open {
        row, view, kind, ..
    } = open;
    let state = row.state.clone().unwrap_or_default();
    let (history, older) = history::turns(replica, cx, open)?;
    let leading_here = twins::leading_here(replica, open)?;
    let links = links(replica, cx, &leading_here);
    let empty_fields = empty_fields(cx, open);
    let attached = attached::lines(replica, cx, open)?;
    let has_masked = !attached.is_empty() || kind.fields().iter().any(Field::personal);
    let (moves, reason_moves) = moves(replica, cx, open);
    let href = rows::href(row);
    let (show_word, show_href) = cx.personal_link(&href, "");
    let page = views::Record {
        kind_key: row.kind.clone(),
        kind: fields::kind_label(replica, cx, &row.kind),
        space: fields::space_label(cx, &view.space),
        space_href: format!("/records?village={}", row.space),
        title: fields::title(replica, cx, row),
        made_line: made_line(cx, open),
        can_edit: may_edit(replica, open),
        has_masked,
        show_word,
        show_href,
        twins: twins::notes(replica, cx, open)?,
        consents: privacy::note_with_forms(replica, cx, row)?,
        conflicts: conflicts(replica, cx, open),
        fields: field_lines(replica, cx, open),
        has_empty_fields: !empty_fields.is_empty(),
        empty_fields: cx.with("console.record.empty_fields", &[("fields", &empty_fields)]),
        has_links: !links.is_empty(),
        links,
        onward: onward::forms(replica, cx, row),
        comments: comments(replica, cx, &leading_here),
        can_comment: may_comment(replica, open),
        history,
        has_older: older > 0,
        older: cx.count("console.record.older", older),
        older_href: format!("{href}?history=all#history"),
        has_state: !state.is_empty(),
        state: fields::state_label(replica, cx, &row.kind, &state),
        state_tone: fields::state_tone(replica, &row.kind, &state).to_owned(),
        state_icon: fields::kind_icon(&row.kind).to_owned(),
        moves,
        has_reason_moves: !reason_moves.is_empty(),
        reason_moves,
        reason_typed: refused
            .reason
            .as_ref()
            .map_or_else(String::new, |(typed, _)| (*typed).to_owned()),
        has_reason_error: refused.reason.is_some(),
        reason_error: refused.reason.map_or_else(String::new, |(_, error)| error),
        can_attach: attached::may_attach(replica, open),
        is_attachment: attached::is_one(row),
        file_error: refused.file.unwrap_or_default(),
        attached,
        id_line: cx.with(
            "console.record.id",
            &[
                ("id", &open.id.to_string()),
                ("device", &row.created_by.short()),
            ],
        ),
        href,
        ..way(replica, cx, open, &leading_here)?
    };
    Ok(Shown::new("records", "records sync", page))
}

/// How far the record has come: to other people's devices, and through their look.
fn way(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    leading_here: &[(ViewRow, String)],
) -> Result<views::Record, Trouble> {
    let ticks = replica.ticks(open.id)?;
    let level = reach::level(replica, &ticks);
    let returned = review::returned(cx, open, leading_here);
    Ok(views::Record {
        wall_href: wall_href(open),
        can_erase: replica.may_erase_in(&open.row.space),
        erase_ask: erased::question(replica, cx, open),
        tick: reach::number(level),
        tick_word: reach::word(cx, level),
        erase_reasons: privacy::reasons(replica, cx, &open.kind, &open.row)?,
        ticks: reach::steps(replica, cx, &ticks),
        can_review: review::waits_for_me(replica, open),
        is_returned: returned.is_returned,
        return_title: returned.title,
        return_reason: returned.reason,
        has_pointed: !returned.field.is_empty(),
        pointed_key: returned.field,
        pointed_line: returned.field_line,
        ..views::Record::default()
    })
}

/// Where a session is shown on the wall.
fn wall_href(open: &Open) -> String {
    if open.view.kind == session::SESSION {
        session::href(&open.id)
    } else {
        String::new()
    }
}

/// Who began it and who changed it last.
fn made_line(cx: &Cx, open: &Open) -> String {
    let places = [
        ("who", open.view.created_by.as_str()),
        ("when", &cx.clock.moment(open.row.created_at)),
        ("last", &open.view.updated_by),
        ("changed", &cx.clock.moment(open.row.updated_at)),
    ];
    cx.with("console.record.made", &places)
}

fn may_edit(replica: &Replica, open: &Open) -> bool {
    replica.role_to_edit(&open.row).is_ok()
}

fn is_own(replica: &Replica, open: &Open) -> bool {
    replica.is_ours(&open.row.created_by)
}

fn field_label(cx: &Cx, kind: &Kind, name: &str) -> String {
    let field = kind.field(name);
    field.map_or_else(
        || name.to_owned(),
        |field| field.label(cx.text.lang()).to_owned(),
    )
}

/// Fields that say something; the state stands elsewhere.
fn field_lines(replica: &Replica, cx: &Cx, open: &Open) -> Vec<views::Field> {
    let given = open
        .view
        .fields
        .iter()
        .filter(|field| !open.kind.is_state(&field.name) && !fields::is_nothing(&field.value));
    given
        .map(|field| {
            let known = open.kind.field(&field.name);
            let href = link_href(known, &field.value);
            let is_disputed = !field.conflicts.is_empty();
            views::Field {
                key: field.name.clone(),
                label: field_label(cx, &open.kind, &field.name),
                value: fields::shown(replica, cx, &open.kind, &field.name, &field.value),
                by: field.by.clone(),
                personal: known.is_none_or(Field::personal),
                is_link: !href.is_empty(),
                href,
                has_flag: is_disputed,
                flag: cx.say("console.flag.clash"),
                flag_tone: "warn".to_owned(),
                flag_icon: "clash".to_owned(),
            }
        })
        .collect()
}

fn link_href(field: Option<&Field>, value: &Value) -> String {
    match (field.map(Field::ty), value) {
        (Some(FieldType::Link(_)), Value::String(id)) if !id.is_empty() => format!("/record/{id}"),
        _ => String::new(),
    }
}

fn empty_fields(cx: &Cx, open: &Open) -> String {
    let is_given = |field: &&Field| {
        let kept = open
            .view
            .fields
            .iter()
            .find(|kept| kept.name == field.name());
        kept.is_some_and(|kept| !fields::is_nothing(&kept.value))
    };
    let missing = crate::console::inputs::asked_fields(&open.kind).filter(|field| !is_given(field));
    let labels = missing.map(|field| field.label(cx.text.lang()));
    labels.collect::<Vec<_>>().join(&cx.say("word.and"))
}

/// Whether it stands on the page of what it is about.
fn has_a_place(row: &ViewRow) -> bool {
    row.kind == COMMENT || attached::is_one(row)
}

/// What leads here, each once; comments and attachments stand in places of their own.
fn links(replica: &Replica, cx: &Cx, leading_here: &[(ViewRow, String)]) -> Vec<views::LinkLine> {
    let mut seen = std::collections::BTreeSet::new();
    let rows = leading_here.iter().map(|(row, _)| row);
    let rows = rows.filter(|row| !has_a_place(row) && seen.insert(row.record));
    rows.take(LINKS_MAX)
        .map(|row| {
            let state = row.state.clone().unwrap_or_default();
            let kind = fields::kind_label(replica, cx, &row.kind);
            let who = replica.name_of(&row.updated_by);
            views::LinkLine {
                href: rows::href(row),
                icon: fields::kind_icon(&row.kind).to_owned(),
                title: fields::title(replica, cx, row),
                meta: format!("{kind} · {who} · {}", cx.clock.moment(row.updated_at)),
                tone: fields::state_tone(replica, &row.kind, &state).to_owned(),
                state: fields::state_label(replica, cx, &row.kind, &state),
            }
        })
        .collect()
}

/// What was said about the record, the oldest first.
fn comments(replica: &Replica, cx: &Cx, leading_here: &[(ViewRow, String)]) -> Vec<views::Comment> {
    let said = leading_here
        .iter()
        .filter(|(row, field)| row.kind == COMMENT && field == "about");
    let mut rows: Vec<&ViewRow> = said.map(|(row, _)| row).collect();
    rows.sort_by_key(|row| (row.created_at, row.record));
    let comments = rows.into_iter().map(|row| {
        let who = replica.name_of(&row.created_by);
        let fields = row.values();
        let text = fields.get("text").and_then(Value::as_str);
        views::Comment {
            initial: initial(&who),
            who,
            when: cx.clock.moment(row.created_at),
            text: text.unwrap_or(&row.title).to_owned(),
        }
    });
    comments.collect()
}

fn may_comment(replica: &Replica, open: &Open) -> bool {
    let role = replica
        .roster()
        .role_in_space(&replica.device(), &open.row.space);
    let kind = replica.schema().kind(COMMENT);
    let may = role
        .zip(kind)
        .is_some_and(|(role, kind)| kind.may_create(role));
    may && open.kind.name() != COMMENT
}

/// Fields with several values at once: all of them, and whose they are.
fn conflicts(replica: &Replica, cx: &Cx, open: &Open) -> Vec<views::Conflict> {
    let disputed = open
        .view
        .fields
        .iter()
        .filter(|field| !field.conflicts.is_empty());
    disputed
        .map(|field| conflict(replica, cx, open, field))
        .collect()
}

fn conflict(replica: &Replica, cx: &Cx, open: &Open, field: &FieldView) -> views::Conflict {
    let label = field_label(cx, &open.kind, &field.name);
    let me = crate::console::cx::own_name(replica);
    let is_mine_hidden = field.conflicts.iter().any(|other| other.by == me) && field.by != me;
    let others: Vec<&str> = field
        .conflicts
        .iter()
        .map(|other| other.by.as_str())
        .collect();
    let others = others.join(&cx.say("word.and"));
    let lead = if is_mine_hidden {
        cx.with("console.clash.lead_yours", &[("other", &field.by)])
    } else {
        let places = [
            ("a", others.as_str()),
            ("b", &field.by),
            ("shown", &field.by),
        ];
        cx.with("console.clash.lead", &places)
    };
    let said = |value: &Value| fields::shown(replica, cx, &open.kind, &field.name, value);
    let rival = |(n, rival): (usize, &Conflict)| views::Rival {
        key: n.to_string(),
        value: said(&rival.value),
        by: match rival.at {
            Some(at) => format!("{} · {}", rival.by, cx.clock.moment(Millis(at))),
            None => rival.by.clone(),
        },
        saw: rival.saw.as_ref().map_or_else(String::new, |saw| {
            cx.with("console.clash.saw", &[("value", &said(saw))])
        }),
        reason: rival.reason.as_ref().map_or_else(String::new, |reason| {
            cx.with("console.clash.reason", &[("reason", reason)])
        }),
        shown: n == 0,
    };
    let mut rivals = field.shown.iter().chain(&field.conflicts);
    let options = rivals.clone().enumerate().map(rival).collect();
    views::Conflict {
        field_key: field.name.clone(),
        title: cx.with("console.clash.title", &[("field", &label)]),
        lead,
        can_keep_both: can_keep_both(&open.kind, field),
        asks_reason: rivals.any(|it| lacks_reason(&open.kind, field, it)),
        seen: field.seen.clone().unwrap_or_default(),
        options,
    }
}

/// Whether all values of a field can stand in it, one after the other.
fn can_keep_both(kind: &Kind, field: &FieldView) -> bool {
    let ty = kind.field(&field.name).map(Field::ty);
    ty.and_then(joint).is_some()
}

/// Whether a value is a state that needs a reason and came without one.
fn lacks_reason(kind: &Kind, field: &FieldView, rival: &Conflict) -> bool {
    let state = rival.value.as_str().filter(|_| kind.is_state(&field.name));
    let state = state.and_then(|state| kind.state(state));
    state.is_some_and(State::needs_reason) && rival.reason.is_none()
}

/// Where a record may go from here, by this person: with a button, or with a reason.
fn moves(replica: &Replica, cx: &Cx, open: &Open) -> (Vec<views::Move>, Vec<views::Move>) {
    let us = replica.device();
    let role = replica.roster().role_in_space(&us, &open.row.space);
    let (Some(role), Some(state)) = (role, &open.row.state) else {
        return (Vec::new(), Vec::new());
    };
    let is_own = is_own(replica, open);
    let next = open.kind.next_states(state);
    let next = next.filter(|next| open.kind.may_enter(next.value(), role, is_own));
    let (with_reason, plain): (Vec<_>, Vec<_>) = next.partition(|next| next.needs_reason());
    let moves = |states: Vec<&State>| {
        let moves = states.into_iter().map(|state| views::Move {
            value: state.value().to_owned(),
            label: state.label(cx.text.lang()).to_owned(),
        });
        moves.collect()
    };
    (moves(plain), moves(with_reason))
}
