//! Who is in the story, how they came in, and how they meet at the relay.

use std::path::Path;

use serde_json::Value;

use crate::demo::lost::programs::{Person, Programs, at};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

/// Meetings after which everybody has everything: what one device says may make another say something.
const MEETINGS_MAX: usize = 6;

/// Those whose devices are their own all the time, and the one whose phone is lost.
#[derive(Debug)]
pub(super) struct People {
    pub(super) owner: Person,
    pub(super) coordinator: Person,
    pub(super) lead: Person,
    pub(super) aunt: Person,
    pub(super) uncle: Person,
    /// Whoever holds the phone writes in its owner's name.
    pub(super) phone: Person,
}

impl People {
    pub(super) fn new(dir: &Path, text: &Text) -> Self {
        let person = |folder: &str| {
            let name = text.say(&format!("demo.lost.name.{folder}"));
            Person::new(dir, folder, name)
        };
        Self {
            owner: person("owner"),
            coordinator: person(super::COORDINATOR),
            lead: person("lead"),
            aunt: person("aunt"),
            uncle: person("uncle"),
            phone: person("phone"),
        }
    }

    /// Everybody but the phone that is lost.
    pub(super) fn honest(&self) -> [&Person; 5] {
        [
            &self.owner,
            &self.coordinator,
            &self.lead,
            &self.aunt,
            &self.uncle,
        ]
    }

    /// The owner founds the community and its village; a coordinator and a lead join, and then three
    /// volunteers with the lead's one code.
    pub(super) fn gather(
        &self,
        programs: &Programs,
        text: &Text,
        relay: &str,
        code: &Path,
    ) -> Result<(), Failure> {
        let title = text.say("demo.community");
        let village = text.say("demo.lost.village");
        let (owner, lead) = (&self.owner, &self.lead);
        let found = [
            "found",
            "--name",
            &title,
            "--as",
            &owner.name,
            "--relay",
            relay,
        ];
        owner.json(programs, &found)?;
        owner.does(programs, &["space", "add", &village])?;
        let coordinator = invite(owner, programs, &["--role", "coordinator"])?;
        let lead_in = invite(owner, programs, &["--role", "lead", "--space", &village])?;
        owner.does(programs, &["sync"])?;
        join(&self.coordinator, programs, &coordinator)?;
        join(lead, programs, &lead_in)?;
        let code = code.display().to_string();
        let three = ["--role", "volunteer", "--space", &village, "--uses", "3"];
        let ticket = invite(lead, programs, &[&three[..], &["--qr-svg", &code]].concat())?;
        lead.does(programs, &["sync"])?;
        for volunteer in [&self.phone, &self.aunt, &self.uncle] {
            join(volunteer, programs, &ticket)?;
        }
        // The lead's device confirms whoever came.
        lead.does(programs, &["sync"])?;
        self.phone.does(programs, &["sync"])?;
        self.meet(programs).map(|_| ())
    }

    /// Everybody but the lost phone syncs at the same time, until all have the same; gives their
    /// digest, or none if they do not come to have one.
    pub(super) fn meet(&self, programs: &Programs) -> Result<Option<String>, Failure> {
        for _ in 0..MEETINGS_MAX {
            let everybody = self.honest().into_iter();
            let syncs: Vec<_> = everybody
                .map(|person| person.begin(programs, &["sync"]))
                .collect::<Result<_, _>>()?;
            for sync in syncs {
                sync.end()?.done()?;
            }
            if let Some(digest) = self.digest(programs)? {
                return Ok(Some(digest));
            }
        }
        Ok(None)
    }

    /// The digest that everybody but the lost phone has, with nothing left to send.
    fn digest(&self, programs: &Programs) -> Result<Option<String>, Failure> {
        let mut digests = Vec::new();
        for person in self.honest() {
            let status = person.json(programs, &["status"])?;
            if at(&status, "/pending") != 0 {
                return Ok(None);
            }
            digests.push(
                at(&status, "/digest")
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        let first = digests.first().cloned();
        Ok(first.filter(|first| digests.iter().all(|digest| digest == first)))
    }

    /// Whether what a command prints is the same for everybody but the lost phone.
    pub(super) fn agree(&self, programs: &Programs, args: &[&str]) -> Result<bool, Failure> {
        let mut answers = Vec::new();
        for person in self.honest() {
            answers.push(person.json(programs, args)?);
        }
        Ok(answers.windows(2).all(|pair| pair.first() == pair.last()))
    }

    /// How everybody but the lost phone sees a record: its row in the list, or none.
    pub(super) fn rows(
        &self,
        programs: &Programs,
        record: &str,
    ) -> Result<Vec<Option<Value>>, Failure> {
        let rows = self
            .honest()
            .into_iter()
            .map(|person| row(person, programs, record));
        rows.collect()
    }
}

/// A record's row in somebody's list.
pub(super) fn row(
    person: &Person,
    programs: &Programs,
    record: &str,
) -> Result<Option<Value>, Failure> {
    let list = person.json(programs, &["list"])?;
    let rows = list.as_array().cloned().unwrap_or_default();
    Ok(rows.into_iter().find(|row| at(row, "/record") == record))
}

fn invite(by: &Person, programs: &Programs, args: &[&str]) -> Result<String, Failure> {
    let invited = by.json(programs, &[&["invite"], args].concat())?;
    let ticket = at(&invited, "/ticket").as_str();
    ticket.map(str::to_owned).ok_or_else(|| {
        Failure::new(Exit::Internal, "demo.lost.step_failed")
            .with("command", "banyan invite")
            .with("reason", &invited)
    })
}

fn join(person: &Person, programs: &Programs, ticket: &str) -> Result<(), Failure> {
    let args = ["join", ticket, "--name", &person.name];
    person.json(programs, &args).map(|_| ())
}
