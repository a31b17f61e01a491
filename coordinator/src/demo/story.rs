//! What the demonstration says and shows.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use sync_core::id::Millis;
use sync_core::replica::RecordView;
use sync_core::store::RowFilter;
use unicode_width::UnicodeWidthStr;

use crate::demo::cast::{Cast, Proof};
use crate::failure::Failure;
use crate::output::{Out, Table, time};
use crate::text::Text;
use crate::values;

/// Rows of the merged table that are shown.
const ROWS_SHOWN: usize = 12;

/// The teller: text for people, silence for scripts.
pub(super) struct Story<'a> {
    pub(super) text: &'a Text,
    pub(super) out: &'a mut Out,
    pub(super) is_json: bool,
    pub(super) started: Instant,
}

impl Story<'_> {
    /// One sentence, with the seconds that have passed.
    pub(super) fn say<V: ToString>(
        &mut self,
        key: &str,
        places: &[(&str, V)],
    ) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        let places: Vec<(&str, String)> = places
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        let places: Vec<(&str, &str)> = places
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let seconds = self.started.elapsed().as_secs_f64();
        self.out.line(&format!(
            "{seconds:5.1} s  {}",
            self.text.with(key, &places)
        ))?;
        self.out.flush()
    }

    /// A sentence as it is.
    pub(super) fn plain(&mut self, line: &str) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        self.out.line(line)?;
        self.out.flush()
    }

    /// What a program printed.
    pub(super) fn quote(&mut self, printed: &str) -> Result<(), Failure> {
        for line in printed.lines() {
            self.plain(&format!("         | {line}"))?;
        }
        Ok(())
    }

    fn head(&mut self, key: &str) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        self.out.line("")?;
        self.out.line(&self.text.say(key))
    }

    pub(super) fn line(&mut self, key: &str, places: &[(&str, &str)]) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        self.out.line(&format!("  {}", self.text.with(key, places)))
    }

    /// A dot for everybody who has finished writing, where somebody watches.
    pub(super) fn progress(&mut self) -> Result<(), Failure> {
        let mut stderr = std::io::stderr();
        if self.is_json || !stderr.is_terminal() {
            return Ok(());
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let line = self
            .text
            .with("demo.writing", &[("seconds", &format!("{seconds:.1}"))]);
        Ok(write!(stderr, "\r\x1b[2K{line}\r").and_then(|()| stderr.flush())?)
    }

    /// The merged table of the whole community, newest first.
    pub(super) async fn table(&mut self, cast: &Cast) -> Result<(), Failure> {
        self.head("demo.table")?;
        let rows = cast
            .coordinator
            .call(|replica, _| {
                let filter = RowFilter {
                    limit: Some(ROWS_SHOWN),
                    ..RowFilter::default()
                };
                replica.list(&filter).map(|rows| {
                    rows.into_iter()
                        .map(|row| {
                            (
                                replica.space_name(&row.space),
                                row.kind.clone(),
                                row.title.clone(),
                                replica.name_of(&row.updated_by),
                                row.updated_at,
                                row.conflicts,
                            )
                        })
                        .collect::<Vec<_>>()
                })
            })
            .await??;
        if self.is_json {
            return Ok(());
        }
        let heads = ["space", "kind", "title", "by", "when", "conflict"]
            .map(|column| self.text.say(&format!("demo.column.{column}")));
        let mut table = Table::new(heads.to_vec(), 2);
        for (space, kind, title, by, at, conflicts) in rows {
            let kind = self.kind_word(&kind);
            let mark = if conflicts > 0 {
                self.text.say("demo.yes")
            } else {
                String::new()
            };
            table.row(vec![space, kind, title, by, time(at), mark]);
        }
        table.print(self.out)
    }

    fn kind_word(&self, kind: &str) -> String {
        values::kind_label(kind, self.text)
    }

    /// One record that two people changed at the same time: both values, and who wrote which.
    pub(super) async fn conflict(&mut self, cast: &Cast) -> Result<(), Failure> {
        let found = cast
            .coordinator
            .call(|replica, _| {
                let filter = RowFilter {
                    only_conflicts: true,
                    limit: Some(1),
                    ..RowFilter::default()
                };
                let Some(row) = replica.list(&filter)?.into_iter().next() else {
                    return Ok(None);
                };
                Ok::<_, sync_core::replica::ReplicaError>(Some((
                    replica.show(row.record)?,
                    replica.history(row.record)?,
                )))
            })
            .await??;
        self.head("demo.conflict")?;
        let Some((record, history)) = found else {
            return self.line("demo.no_conflict", &[]);
        };
        let short: String = record.record.chars().take(8).collect();
        let kind = self.kind_word(&record.kind);
        let places = [
            ("record", short.as_str()),
            ("kind", kind.as_str()),
            ("title", record.title.as_str()),
            ("space", record.space.as_str()),
        ];
        self.line("demo.record", &places)?;
        self.both_values(&record)?;
        self.head("demo.history")?;
        for entry in &history {
            let fields: Vec<String> = entry
                .changes
                .iter()
                .map(|change| values::field_label(&record.kind, &change.field, self.text))
                .collect();
            let joint = self.text.say("demo.joint");
            let at = time(Millis(entry.at));
            self.line(
                "demo.step",
                &[
                    ("when", &at),
                    ("by", &entry.by),
                    ("fields", &fields.join(&joint)),
                ],
            )?;
        }
        Ok(())
    }

    /// The value that is shown, and under it those that are kept beside it.
    fn both_values(&mut self, record: &RecordView) -> Result<(), Failure> {
        for field in record
            .fields
            .iter()
            .filter(|field| !field.conflicts.is_empty())
        {
            let shown = plain(&field.value);
            let label = values::field_label(&record.kind, &field.name, self.text);
            self.line(
                "demo.shown",
                &[("field", &label), ("value", &shown), ("by", &field.by)],
            )?;
            // Under the value that is shown, behind the label and its colon.
            let indent = " ".repeat(label.width() + 2);
            for other in &field.conflicts {
                let kept = plain(&other.value);
                let places = [
                    ("indent", indent.as_str()),
                    ("value", &kept),
                    ("by", &other.by),
                ];
                self.line("demo.kept", &places)?;
            }
        }
        Ok(())
    }

    /// How many records of which kind each village has.
    pub(super) async fn statistics(&mut self, cast: &Cast) -> Result<(), Failure> {
        self.head("demo.statistics")?;
        let counts = cast
            .coordinator
            .call(|replica, _| {
                replica.counts().map(|counts| {
                    counts
                        .into_iter()
                        .map(|count| {
                            (
                                replica.space_name(&count.space),
                                count.kind,
                                count.records,
                                count.in_conflict,
                            )
                        })
                        .collect::<Vec<_>>()
                })
            })
            .await??;
        if self.is_json {
            return Ok(());
        }
        // Kinds of which there is nothing yet would only make the table wide.
        let is_used = |kind: &&str| counts.iter().any(|(_, used, ..)| used == kind);
        let kinds: Vec<&str> = sync_core::schema::Schema::station()
            .kinds()
            .iter()
            .map(sync_core::schema::Kind::name)
            .filter(is_used)
            .collect();
        let mut villages: BTreeMap<String, (BTreeMap<String, u64>, u64)> = BTreeMap::new();
        for (space, kind, records, conflicts) in counts {
            let village = villages.entry(space).or_default();
            *village.0.entry(kind).or_default() += records;
            village.1 += conflicts;
        }
        let mut heads = vec![self.text.say("demo.column.space")];
        heads.extend(kinds.iter().map(|kind| self.kind_word(kind)));
        heads.push(self.text.say("demo.column.conflict"));
        let mut table = Table::new(heads, 0);
        let mut sums = vec![0; kinds.len() + 1];
        for (village, (by_kind, conflicts)) in villages {
            let mut numbers: Vec<u64> = kinds
                .iter()
                .map(|kind| by_kind.get(*kind).copied().unwrap_or(0))
                .collect();
            numbers.push(conflicts);
            sums.iter_mut()
                .zip(&numbers)
                .for_each(|(sum, number)| *sum += number);
            let cells = numbers.iter().map(ToString::to_string);
            table.row(std::iter::once(village).chain(cells).collect());
        }
        let all = self.text.say("demo.all");
        table.row(
            std::iter::once(all)
                .chain(sums.iter().map(ToString::to_string))
                .collect(),
        );
        table.print(self.out)
    }

    /// That everybody has the same.
    pub(super) fn proof(&mut self, proof: &Proof) -> Result<(), Failure> {
        self.head("demo.proof")?;
        let (agreeing, replicas) = (proof.agreeing.to_string(), proof.replicas.to_string());
        self.line(
            "demo.agree",
            &[("agreeing", &agreeing), ("replicas", &replicas)],
        )?;
        self.line("demo.digest", &[("digest", &proof.digest)])
    }

    /// Where to look further; the console says that itself.
    pub(super) fn ending(&mut self, keep: Option<&Path>, no_serve: bool) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        self.out.line("")?;
        let seconds = format!("{:.1}", self.started.elapsed().as_secs_f64());
        self.line("demo.took", &[("seconds", &seconds)])?;
        match keep {
            Some(dir) => self.line("demo.kept_in", &[("path", &dir.display().to_string())]),
            None if no_serve => self.line("demo.keep_hint", &[]),
            None => Ok(()),
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
