//! What happens, in order.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::demo::lost::Outcome;
use crate::demo::lost::claims::Claims;
use crate::demo::lost::people::{People, row};
use crate::demo::lost::programs::{Person, Programs, RelayProcess, at};
use crate::demo::story::Story;
use crate::exit::Exit;
use crate::failure::Failure;

/// The people, the relay and what has been claimed.
pub(super) struct Scene<'s, 't> {
    story: &'s mut Story<'t>,
    programs: Programs,
    relay: RelayProcess,
    people: People,
    claims: Claims,
    dir: PathBuf,
    village: String,
    /// Digest of everything, as everybody has it at the last meeting.
    digest: String,
    device: String,
}

/// Records of the lost phone, by id.
struct Lost {
    /// Written and sent before.
    sent: String,
    /// Written by its owner and not sent.
    unsent: String,
    /// Written by the thief.
    forged: String,
}

impl<'s, 't> Scene<'s, 't> {
    pub(super) fn open(dir: &Path, story: &'s mut Story<'t>) -> Result<Self, Failure> {
        let programs = Programs::beside_this(story.text.lang())?;
        let relay = programs.start_relay(dir)?;
        let people = People::new(dir, story.text);
        let village = story.text.say("demo.lost.village");
        Ok(Self {
            story,
            programs,
            relay,
            people,
            claims: Claims::default(),
            dir: dir.to_owned(),
            village,
            digest: String::new(),
            device: String::new(),
        })
    }

    /// Plays everything; gives the relay too, which has not ended.
    pub(super) fn play(mut self) -> Result<(Outcome, RelayProcess), Failure> {
        self.gather()?;
        let mut lost = self.work()?;
        self.cut_off(&mut lost)?;
        self.steal(&mut lost)?;
        self.meet_again(&lost)?;
        let held = self.look(&lost)?;
        self.decide(&lost)?;
        self.come_back(&lost)?;
        let outcome = Outcome {
            people: self.people.honest().len() + 1,
            relay: self.relay.addr.clone(),
            lost_device: self.device,
            held,
            released: 1,
            claims: self.claims.into_list(),
            digest: self.digest,
            seconds: self.story.started.elapsed().as_secs_f64(),
        };
        Ok((outcome, self.relay))
    }

    fn gather(&mut self) -> Result<(), Failure> {
        let addr = self.relay.addr.split('@').next_back().unwrap_or_default();
        self.story.say("demo.lost.relay", &[("addr", addr)])?;
        let code = self.dir.join("invitation.svg");
        let (programs, people) = (&self.programs, &self.people);
        people.gather(programs, self.story.text, &self.relay.addr, &code)?;
        let places = [
            ("owner", &self.people.owner.name),
            ("coordinator", &self.people.coordinator.name),
            ("lead", &self.people.lead.name),
            ("one", &self.people.phone.name),
            ("two", &self.people.aunt.name),
            ("three", &self.people.uncle.name),
            ("village", &self.village),
        ];
        self.story.say("demo.lost.gathered", &places)?;
        let members = self.people.lead.json(&self.programs, &["members"])?;
        let names = members.as_array().map_or(0, Vec::len);
        let is_code_there = code.is_file();
        self.check("joined", &[], names == 6 && is_code_there)
    }

    /// Everybody writes without a network, after the phone's owner has sent a first visit.
    fn work(&mut self) -> Result<Lost, Failure> {
        let sent = self.put_on_phone("demo.lost.household.sent")?;
        self.people.phone.does(&self.programs, &["sync"])?;
        self.meet()?;
        let unsent = self.put_on_phone("demo.lost.household.unsent")?;
        let (aunt, uncle) = (&self.people.aunt, &self.people.uncle);
        self.put(aunt, "demo.lost.household.aunt")?;
        self.put(uncle, "demo.lost.household.uncle")?;
        let findings = format!("findings={}", self.story.text.say("demo.lost.findings"));
        uncle.does(&self.programs, &["edit", &sent, &findings])?;
        let (aunt, uncle) = (aunt.name.clone(), uncle.name.clone());
        let places = [
            ("name", &self.people.phone.name),
            ("two", &aunt),
            ("three", &uncle),
        ];
        self.story.say("demo.lost.work", &places)?;
        Ok(Lost {
            sent,
            unsent,
            forged: String::new(),
        })
    }

    /// The coordinator cuts the phone off where its log has come to, and has told nobody yet.
    fn cut_off(&mut self, lost: &mut Lost) -> Result<(), Failure> {
        let status = self.people.phone.json(&self.programs, &["status"])?;
        self.device = text_of(&status, "device");
        let coordinator = &self.people.coordinator;
        let revoke = ["revoke", "--device", &self.device];
        coordinator.does(&self.programs, &revoke)?;
        let places = [
            ("name", &self.people.phone.name),
            ("coordinator", &self.people.coordinator.name),
        ];
        self.story.say("demo.lost.cut", &places)?;
        let row = row(&self.people.coordinator, &self.programs, &lost.sent)?;
        let is_kept =
            row.is_some_and(|row| at(&row, "/created_by") == self.people.phone.name.as_str());
        self.check(
            "before",
            &[("name", &self.people.phone.name.clone())],
            is_kept,
        )
    }

    /// The thief writes on, and reaches the relay before the word of the loss does.
    fn steal(&mut self, lost: &mut Lost) -> Result<(), Failure> {
        let household = self.story.text.say("demo.lost.household.changed");
        let edit = format!("household={household}");
        let phone = &self.people.phone;
        phone.does(&self.programs, &["edit", &lost.sent, &edit])?;
        lost.forged = self.put_on_phone("demo.lost.household.forged")?;
        self.people.phone.does(&self.programs, &["sync"])?;
        self.people.aunt.does(&self.programs, &["sync"])?;
        self.story
            .say("demo.lost.theft", &[("household", household)])?;
        let seen = row(&self.people.aunt, &self.programs, &lost.forged)?;
        let name = self.people.aunt.name.clone();
        self.check("unheard", &[("two", &name)], seen.is_some())
    }

    fn meet_again(&mut self, lost: &Lost) -> Result<(), Failure> {
        self.story.say::<&str>("demo.lost.meeting", &[])?;
        let is_equal = self.meet()?;
        let digest = self.digest.get(..8).unwrap_or_default().to_owned();
        self.check("digest", &[("digest", &digest)], is_equal)?;
        let is_equal = self.people.agree(&self.programs, &["members"])?;
        self.check("roster", &[], is_equal)?;
        let household = self.story.text.say("demo.lost.household.sent");
        let rows = self.people.rows(&self.programs, &lost.sent)?;
        let findings = self.story.text.say("demo.lost.findings");
        let mut rows = rows.into_iter();
        let is_restored = rows.all(|row| {
            row.is_some_and(|row| {
                at(&row, "/title") == household.as_str()
                    && at(&row, "/fields/findings") == findings.as_str()
            })
        });
        let name = self.people.uncle.name.clone();
        let places = [("household", household.as_str()), ("three", &name)];
        self.check("restored", &places, is_restored)?;
        let rows = self.people.rows(&self.programs, &lost.forged)?;
        self.check("nowhere", &[], rows.iter().all(Option::is_none))
    }

    /// The coordinator looks at what is held; says how many entries are.
    fn look(&mut self, lost: &Lost) -> Result<usize, Failure> {
        let name = self.people.coordinator.name.clone();
        self.story
            .say("demo.lost.look", &[("coordinator", &name)])?;
        let seen = self.people.coordinator.does(&self.programs, &["held"])?;
        self.story.quote(&seen)?;
        let held = self.people.coordinator.json(&self.programs, &["held"])?;
        let held = held.as_array().cloned().unwrap_or_default();
        let before = self.story.text.say("demo.lost.household.sent");
        let after = self.story.text.say("demo.lost.household.changed");
        let forged = held
            .iter()
            .find(|held| at(held, "/record") == lost.sent.as_str());
        let shows = forged.is_some_and(|held| {
            let change = at(held, "/preview/changes/0");
            at(change, "/field") == "household"
                && at(change, "/from") == before.as_str()
                && at(change, "/to") == after.as_str()
        });
        let all = held.len() == 3
            && held
                .iter()
                .all(|held| at(held, "/preview/would_merge") == true);
        self.check(
            "preview",
            &[("from", &before), ("to", &after)],
            shows && all,
        )?;
        let by_volunteer = self.people.aunt.json(&self.programs, &["held"])?;
        let mut by_volunteer = by_volunteer
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter();
        let is_shut =
            by_volunteer.len() == 3 && by_volunteer.all(|held| at(&held, "/preview").is_null());
        let name = self.people.aunt.name.clone();
        self.check("shut", &[("two", &name)], is_shut)?;
        Ok(held.len())
    }

    /// What the owner had written is let in, what the thief wrote is left out for good.
    fn decide(&mut self, lost: &Lost) -> Result<(), Failure> {
        let coordinator = &self.people.coordinator;
        coordinator.does(&self.programs, &["release", &lost.unsent])?;
        coordinator.does(&self.programs, &["discard", "--device", &self.device])?;
        let household = self.story.text.say("demo.lost.household.unsent");
        let name = self.people.phone.name.clone();
        let places = [
            ("coordinator", &self.people.coordinator.name),
            ("household", &household),
            ("name", &name),
        ];
        self.story.say("demo.lost.decide", &places)?;
        let is_equal = self.meet()?;
        let rows = self.people.rows(&self.programs, &lost.unsent)?;
        let mut rows = rows.into_iter();
        let is_there = rows.all(|row| {
            row.is_some_and(|row| {
                at(&row, "/title") == household.as_str() && at(&row, "/created_by") == name.as_str()
            })
        });
        let places = [("household", household.as_str()), ("name", &name)];
        self.check("released", &places, is_there && is_equal)?;
        let rows = self.people.rows(&self.programs, &lost.forged)?;
        self.check("discarded", &[], rows.iter().all(Option::is_none))
    }

    /// The phone gets a network again: it hands over, erases, and says so.
    fn come_back(&mut self, lost: &Lost) -> Result<(), Failure> {
        let last = self.put_on_phone("demo.lost.household.last")?;
        let phone = &self.people.phone;
        let key = phone.key_file()?;
        let told = phone.run(&self.programs, &["sync"])?;
        self.story.say::<&str>("demo.lost.back", &[])?;
        self.story.quote(&told.out)?;
        self.story.quote(&told.err)?;
        let status = self.people.phone.json(&self.programs, &["status"])?;
        let is_told = told.code == i32::from(Exit::NotAllowed.number());
        self.check("told", &[], is_told && at(&status, "/removed") == true)?;
        let list = self.people.phone.json(&self.programs, &["list"])?;
        let is_empty = list.as_array().is_some_and(Vec::is_empty);
        let has_confirmed = at(&status, "/farewell") == "confirmed";
        let is_destroyed = self.people.phone.key_file()? != key;
        let is_erased = is_empty && has_confirmed && is_destroyed;
        self.check("erased", &[], is_erased)?;
        let is_equal = self.meet()?;
        let held = self
            .people
            .coordinator
            .json(&self.programs, &["held", &last])?;
        let is_handed_over = at(&held, "/0/preview/new_record") == true;
        self.check("handed_over", &[], is_handed_over && is_equal)?;
        self.members()?;
        let rows = self.people.rows(&self.programs, &lost.forged)?;
        let verified = self.people.coordinator.json(&self.programs, &["verify"])?;
        let is_sound = verified.is_object() && rows.iter().all(Option::is_none);
        self.check("verified", &[], is_sound)
    }

    /// The members page says that the phone is gone, and that it has erased its records.
    fn members(&mut self) -> Result<(), Failure> {
        let name = self.people.coordinator.name.clone();
        self.story
            .say("demo.lost.members", &[("coordinator", &name)])?;
        let page = self.people.coordinator.does(&self.programs, &["members"])?;
        self.story.quote(&page)?;
        let members = self.people.coordinator.json(&self.programs, &["members"])?;
        let members = members.as_array().cloned().unwrap_or_default();
        let of_phone = members.iter().find(|member| {
            let removed = at(member, "/removed_device_ids").as_array();
            removed.is_some_and(|ids| ids.iter().any(|id| id == self.device.as_str()))
        });
        let has_confirmed = of_phone.is_some_and(|member| {
            let open = at(member, "/unconfirmed_device_ids").as_array();
            open.is_some_and(Vec::is_empty)
        });
        let word = self.story.text.say("word.removed_confirmed");
        self.check("page", &[], has_confirmed && page.contains(&word))
    }

    fn meet(&mut self) -> Result<bool, Failure> {
        let digest = self.people.meet(&self.programs)?;
        let is_equal = digest.is_some();
        self.digest = digest.unwrap_or_default();
        Ok(is_equal)
    }

    fn put_on_phone(&self, household: &str) -> Result<String, Failure> {
        self.put(&self.people.phone, household)
    }

    /// A visit; gives its id.
    fn put(&self, person: &Person, household: &str) -> Result<String, Failure> {
        let household = format!("household={}", self.story.text.say(household));
        let args = [
            "put",
            "visit",
            "--space",
            &self.village,
            &household,
            "date=2026-03-04",
            "purpose=health",
        ];
        let put = person.json(&self.programs, &args)?;
        Ok(text_of(&put, "record"))
    }

    fn check(&mut self, claim: &str, places: &[(&str, &str)], holds: bool) -> Result<(), Failure> {
        let key = format!("demo.lost.claim.{claim}");
        self.claims.check(self.story, &key, places, holds)
    }
}

fn text_of(value: &Value, name: &str) -> String {
    at(value, &format!("/{name}"))
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
