//! What an export says about itself.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::json;
use sync_core::id::Millis;
use sync_core::replica::Replica;
use sync_core::schema::{Lang, Schema};

use super::fields::left_out;
use super::table::utc;
use super::{Request, Rows};
use crate::failure::Failure;
use crate::text::Text;
use crate::values;

/// Who made it, when, of what, as of which state, and what is not in it.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// What kinds and fields are called.
    schema: Arc<Schema>,
    community: String,
    title: Option<String>,
    space: Option<String>,
    made_by: String,
    device: String,
    made_at: Millis,
    digest: String,
    pending: u64,
    personal: bool,
    /// By kind.
    counts: Vec<(String, u64)>,
    /// Fields left out, by kind and name.
    left_out: Vec<(String, String)>,
    /// Records of which a field has several values; the one shown is exported.
    conflicts: u64,
    /// Records of kinds that this version does not know; they are not exported.
    pub(super) of_unknown_kinds: u64,
    /// Records of people who have withdrawn their consent; left out of what is personal.
    pub(super) withdrawn: u64,
    /// Records without a place; not on a map.
    pub(super) without_place: u64,
}

impl About {
    pub(super) fn of(
        replica: &Replica,
        request: Request<'_>,
        now: Millis,
    ) -> Result<Self, Failure> {
        let digest = replica.heads_digest()?;
        Ok(Self {
            schema: replica.shared_schema(),
            community: replica.community().to_string(),
            title: replica.title(),
            space: request.space.map(|space| replica.space_name(&space)),
            made_by: replica.name_of(&replica.device()),
            device: replica.device().short(),
            made_at: now,
            digest: HEXLOWER.encode(&digest.0),
            pending: replica.pending_count()?,
            personal: request.personal,
            counts: Vec::new(),
            left_out: Vec::new(),
            conflicts: 0,
            of_unknown_kinds: 0,
            withdrawn: 0,
            without_place: 0,
        })
    }

    pub(super) fn count(&mut self, kinds: &[Rows<'_>]) {
        for Rows { kind, rows } in kinds {
            let name = kind.name().to_owned();
            self.counts.push((name.clone(), rows.len() as u64));
            self.conflicts += rows.iter().filter(|row| row.conflicts > 0).count() as u64;
            let fields = left_out(kind, self.personal);
            self.left_out
                .extend(fields.map(|field| (name.clone(), field.name().to_owned())));
        }
    }

    /// How many records are in it.
    pub(crate) fn records(&self) -> u64 {
        let counted: u64 = self.counts.iter().map(|(_, count)| count).sum();
        counted - self.without_place
    }

    /// How many have no place, and are not on the map.
    pub(crate) fn without_place(&self) -> u64 {
        self.without_place
    }

    /// How many records are left out because the person has withdrawn their consent.
    pub(crate) fn withdrawn(&self) -> u64 {
        self.withdrawn
    }

    /// How many fields are left out.
    pub(crate) fn fields_left_out(&self) -> u64 {
        self.left_out.len() as u64
    }

    /// The sentence that warns whoever has the file.
    pub(crate) fn notice(&self, text: &Text) -> String {
        if self.personal {
            text.say("out.export.notice.personal")
        } else if self.left_out.is_empty() {
            text.say("out.export.notice.open")
        } else {
            text.say("out.export.notice.left_out")
        }
    }

    /// Labels and values, for people.
    pub(crate) fn lines(&self, text: &Text) -> Vec<(String, String)> {
        let text = &text.with_schema(Arc::clone(&self.schema));
        let none = || text.say("word.unknown_title");
        let mut lines = vec![
            ("out.export.notice", self.notice(text)),
            ("out.export.notice_other", self.notice(&other(text))),
            ("head.community", self.title.clone().unwrap_or_else(none)),
            ("head.community_id", self.community.clone()),
            (
                "out.export.made_by",
                format!("{} ({})", self.made_by, self.device),
            ),
            ("out.export.made_at", utc(self.made_at)),
            ("out.export.as_of", self.digest.clone()),
        ];
        if let Some(space) = &self.space {
            lines.push(("head.space", values::space_label(space, text)));
        }
        lines.push(("head.records", self.records().to_string()));
        let counts = self.counts.iter();
        let counts: Vec<String> = counts
            .map(|(kind, count)| format!("{} {count}", values::kind_label(kind, text)))
            .collect();
        lines.push(("head.kind", counts.join(&text.say("word.and"))));
        let fields = self.left_out.iter();
        let fields: Vec<String> = fields
            .map(|(kind, field)| {
                let label = values::field_label(kind, field, text);
                format!("{} / {label}", values::kind_label(kind, text))
            })
            .collect();
        if !fields.is_empty() {
            lines.push(("out.export.left_out", fields.join(&text.say("word.and"))));
        }
        for (key, count) in [
            ("out.export.pending", self.pending),
            ("out.export.conflicts", self.conflicts),
            ("out.export.unknown_kinds", self.of_unknown_kinds),
            ("out.export.withdrawn", self.withdrawn),
            ("out.export.without_place", self.without_place),
        ] {
            if count > 0 {
                lines.push((key, count.to_string()));
            }
        }
        lines
            .into_iter()
            .map(|(key, value)| (text.say(key), value))
            .collect()
    }

    /// Both languages, one after the other, with the mark and line ends of office computers.
    pub(crate) fn as_text(&self) -> String {
        let part = |lang: Lang| -> String {
            let lines = self.lines(&Text::of(lang)).into_iter();
            lines
                .map(|(label, value)| format!("{label}: {value}\r\n"))
                .collect()
        };
        format!("\u{feff}{}\r\n{}", part(Lang::Zh), part(Lang::En))
    }

    /// For programs.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let counts: serde_json::Map<String, serde_json::Value> = self
            .counts
            .iter()
            .map(|(kind, count)| (kind.clone(), json!(count)))
            .collect();
        let left_out: Vec<String> = self
            .left_out
            .iter()
            .map(|(kind, field)| format!("{kind}.{field}"))
            .collect();
        json!({
            "notice": {
                "zh": self.notice(&Text::of(Lang::Zh)),
                "en": self.notice(&Text::of(Lang::En)),
            },
            "community": self.community,
            "title": self.title,
            "space": self.space,
            "made_by": self.made_by,
            "device": self.device,
            "made_at": utc(self.made_at),
            "as_of": self.digest,
            "records": self.records(),
            "kinds": counts,
            "personal": self.personal,
            "left_out": left_out,
            "pending": self.pending,
            "conflicts": self.conflicts,
            "unknown_kinds": self.of_unknown_kinds,
            "withdrawn": self.withdrawn,
            "without_place": self.without_place,
        })
    }
}

fn other(text: &Text) -> Text {
    Text::of(match text.lang() {
        Lang::En => Lang::Zh,
        Lang::Zh => Lang::En,
    })
}
