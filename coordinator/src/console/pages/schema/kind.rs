//! One kind with its fields, and the form of one field.

use sync_core::replica::Replica;
use sync_core::schema::{Field, FieldType, Kind, Schema};

use super::draft::Draft;
use super::href;
use super::inputs::{self, Asked, MayChange};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, is_coordinator};
use crate::console::views::schema as views;
use crate::console::views::shared::Flag;

pub(super) fn kind_asked<'r>(replica: &'r Replica, cx: &Cx) -> Result<&'r Kind, Trouble> {
    let kind = replica.schema().kind(cx.asked.param("kind"));
    kind.ok_or(Trouble::Missing)
}

pub(super) fn field_asked<'k>(kind: &'k Kind, cx: &Cx) -> Result<&'k Field, Trouble> {
    kind.field(cx.asked.param("field")).ok_or(Trouble::Missing)
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, &Asked::default(), &Asked::default())
}

/// The page of a kind, with what was typed about it and for a new field.
pub(super) fn page(
    replica: &Replica,
    cx: &Cx,
    about: &Asked<'_>,
    field: &Asked<'_>,
) -> Result<Shown, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let draft = Draft::of(replica)?;
    let may = is_coordinator(replica);
    let can_edit = may && draft.may_change_kind(kind.name());
    let is_made_here = draft.has_made_kind(kind.name());
    let lead = if Schema::station().kind(kind.name()).is_some() {
        "console.schema.lead_built_in"
    } else if is_made_here {
        "console.schema.lead_own"
    } else {
        "console.schema.lead_elsewhere"
    };
    let address = href(kind.name());
    let page = views::SchemaKind {
        title: kind.label(cx.text.lang()).to_owned(),
        lead: cx.say(if may { lead } else { "console.schema.may_not" }),
        can_edit,
        about: views::Draft {
            title: cx.say("console.schema.about"),
            action: address.clone(),
            save_label: cx.say("console.act.save"),
            ..about.form(
                cx,
                inputs::kind(cx, about, kind, is_made_here),
                kind_stays(is_made_here),
            )
        },
        rows: rows(cx, kind, &draft, may),
        field: views::Draft {
            title: cx.say("console.schema.new_field"),
            action: format!("{address}/field"),
            save_label: cx.say("console.schema.add_field"),
            ..field.form(cx, inputs::new_field(cx, field, replica.schema()), &[])
        },
        href: address,
    };
    Ok(Shown::new("schema", "records roster", page))
}

fn rows(cx: &Cx, kind: &Kind, draft: &Draft, may: bool) -> Vec<views::FieldRow> {
    let mut has_own_before = false;
    let mut rows = Vec::new();
    for field in kind.fields() {
        let is_own = draft.has_made_field(kind.name(), field.name());
        let can_edit = may && draft.may_change_field(kind.name(), field.name());
        rows.push(views::FieldRow {
            key: field.name().to_owned(),
            label: field.label(cx.text.lang()).to_owned(),
            meta: meta(cx, field),
            icon: if field.personal() { "lock" } else { "form" }.to_owned(),
            flags: flags(cx, field, is_own),
            can_edit,
            href: format!("{}/field/{}", href(kind.name()), field.name()),
            can_up: can_edit && is_own && has_own_before,
            can_retire: can_edit && may_retire(kind, field, is_own),
            is_retired: field.hidden(),
        });
        has_own_before |= is_own;
    }
    rows
}

/// What stands for a record cannot be done without, nor what the station's own schema needs.
pub(super) fn may_retire(kind: &Kind, field: &Field, is_own: bool) -> bool {
    let is_needed = field.required() && !is_own;
    field.name() != kind.title() && !is_needed
}

fn meta(cx: &Cx, field: &Field) -> String {
    let ty = if let FieldType::Other(name) = field.ty() {
        name.clone()
    } else {
        cx.say(&format!("console.type.{}", field.ty().name()))
    };
    let choices = field.ty().choices().iter();
    let choices: Vec<&str> = choices.map(|it| it.label(cx.text.lang())).collect();
    if choices.is_empty() {
        ty
    } else {
        format!(
            "{ty}{}{}",
            cx.say("console.colon"),
            choices.join(&cx.say("word.and"))
        )
    }
}

fn flags(cx: &Cx, field: &Field, is_own: bool) -> Vec<Flag> {
    let all = [
        (field.hidden(), "warn", "hide", "console.schema.retired"),
        (field.required(), "", "check", "console.form.must"),
        (field.personal(), "", "lock", "console.record.personal"),
        (is_own, "info", "plus", "console.schema.own"),
    ];
    let flags = all.into_iter().filter(|(is_on, ..)| *is_on);
    flags
        .map(|(_, tone, icon, word)| Flag {
            tone: tone.to_owned(),
            icon: icon.to_owned(),
            word: cx.say(word),
        })
        .collect()
}

/// The form of one field.
pub(in crate::console) fn field(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    field_page(replica, cx, &Asked::default())
}

pub(super) fn field_page(replica: &Replica, cx: &Cx, asked: &Asked<'_>) -> Result<Shown, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let field = field_asked(kind, cx)?;
    let draft = Draft::of(replica)?;
    if !is_coordinator(replica) || !draft.may_change_field(kind.name(), field.name()) {
        return Err(Trouble::Missing);
    }
    let may = what_may_change(kind, field, &draft);
    let up_href = href(kind.name());
    let form = views::Draft {
        action: format!("{up_href}/field/{}", field.name()),
        save_label: cx.say("console.act.save"),
        choices: inputs::choice_rows(asked, field),
        ..asked.form(
            cx,
            inputs::field(cx, asked, field, may),
            &field_stays(kind, field, may),
        )
    };
    let page = views::SchemaDraft {
        title: field.label(cx.text.lang()).to_owned(),
        up: kind.label(cx.text.lang()).to_owned(),
        up_href,
        form,
    };
    Ok(Shown::new("schema", "", page))
}

/// Why rights of the station's own kinds are not asked for.
fn kind_stays(is_made_here: bool) -> &'static [&'static str] {
    if is_made_here {
        &[]
    } else {
        &["console.schema.stays_rights"]
    }
}

/// What of a field stays as it is, and why, as sentences.
fn field_stays(kind: &Kind, field: &Field, may: MayChange) -> Vec<&'static str> {
    let needed = if field.name() == kind.title() {
        "console.schema.stays_title"
    } else {
        "console.schema.stays_needed"
    };
    let all = [
        (kind.is_state(field.name()), "console.schema.stays_state"),
        (true, "console.schema.stays_type"),
        (inputs::is_choice(field), "console.schema.stays_choices"),
        (!may.required, needed),
        (!may.personal, "console.schema.stays_personal"),
    ];
    let stays = all.into_iter().filter(|(is_so, _)| *is_so);
    stays.map(|(_, key)| key).collect()
}

/// What the station says is needed stays so, and what is personal stays hidden: it was written under that
/// promise.
pub(super) fn what_may_change(kind: &Kind, field: &Field, draft: &Draft) -> MayChange {
    let is_own = draft.has_made_field(kind.name(), field.name());
    MayChange {
        required: is_own && field.name() != kind.title(),
        personal: !field.personal(),
    }
}
