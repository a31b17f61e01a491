//! What is written next about a record: a visit raises a need, a need gets a proposal or a task. The forms begin
//! with what leads back to it.

use sync_core::replica::Replica;
use sync_core::schema::{Field, FieldType, Group, Kind};
use sync_core::store::ViewRow;
use sync_core::view::consent::CONSENT;

use crate::console::cx::Cx;
use crate::console::fields;
use crate::console::inputs;
use crate::console::inputs::SPACE;
use crate::console::pages::new;
use crate::console::views::record::Onward;

/// More would be a menu, and there is one.
const FORMS_MAX: usize = 6;

/// The forms for what this person may begin about a record, in the space where it is.
pub(super) fn forms(replica: &Replica, cx: &Cx, row: &ViewRow) -> Vec<Onward> {
    let schema = replica.schema();
    let Some(of) = schema.kind(&row.kind) else {
        return Vec::new();
    };
    let kinds = Group::ALL
        .into_iter()
        .flat_map(|group| schema.kinds_in(group));
    // Consent is asked for where it is missing.
    let kinds = kinds.filter(|kind| new::has_a_form(kind) && kind.name() != CONSENT);
    let kinds = kinds.filter(|kind| replica.role_to_create(kind.name(), row.space).is_ok());
    let forms = kinds.filter_map(|kind| {
        let field = inputs::asked_fields(kind).find(|field| leads_back(kind, field, of))?;
        Some(form(cx, kind, field, row))
    });
    forms.take(FORMS_MAX).collect()
}

/// Whether a field of a kind is there to say which record of another kind it is about. What may lead to
/// anything is about its like: a task about a need, and not about a member's training.
fn leads_back(kind: &Kind, field: &Field, of: &Kind) -> bool {
    let (FieldType::Link(kinds) | FieldType::Links(kinds)) = field.ty() else {
        return false;
    };
    let is_like = kinds.is_empty() && kind.group() == of.group();
    is_like || kinds.iter().any(|name| name == of.name())
}

fn form(cx: &Cx, kind: &Kind, field: &Field, row: &ViewRow) -> Onward {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(field.name(), &row.record.to_string());
    query.append_pair(SPACE, &row.space.to_string());
    Onward {
        href: format!("/new/{}?{}", kind.name(), query.finish()),
        icon: fields::kind_icon(kind.name()).to_owned(),
        label: kind.label(cx.text.lang()).to_owned(),
    }
}
