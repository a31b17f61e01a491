//! A proposal: six fields, then three to seven edits: votes, comments, decisions.

use rand::RngExt;

use super::{CATEGORIES, headed, reason};
use crate::note::Note;
use crate::scene::{LEAD, Scene, Step, pair};

const LEVELS: [&str; 7] = [
    "village",
    "village",
    "village",
    "community",
    "community",
    "town",
    "district",
];
/// After `draft`, in this order; the lead sets them.
const STATES: [&str; 4] = ["submitted", "accepted", "in_progress", "done"];

pub(crate) fn tell(mut scene: Scene<'_>) -> Vec<Step> {
    let language = scene.language();
    let category = scene.pick(&CATEGORIES);
    let title = language.say(scene.rng, &format!("proposal_title_{category}"));
    let mut body = Note::begin(scene.rng, language, "proposal_clause", "proposal_clause");
    let mut votes: u32 = 1;
    let level = scene.pick(&LEVELS);
    scene.create(
        "proposal",
        vec![
            pair("title", headed(&title)),
            pair("body", body.text()),
            pair("category", category),
            pair("level", level),
            pair("state", "draft"),
            pair("votes", votes),
        ],
    );
    let mut states = STATES.into_iter();
    let mut is_open = true;
    for index in 0..scene.rng.random_range(3..=7) {
        scene.wait(0..=7);
        let mut by = scene.anybody();
        let mut fields = Vec::new();
        // The first edit hands it in.
        if is_open && (index == 0 || scene.chance(20)) {
            let declined = index > 0 && scene.chance(15);
            let next = if declined {
                Some("declined")
            } else {
                states.next()
            };
            is_open = !declined && next != Some("done");
            fields.extend(next.map(|state| pair("state", state)));
            if declined {
                fields.push(pair("reason", reason(language)));
            }
            by = LEAD;
        }
        if scene.chance(35) {
            let author = scene.name_of(by, language);
            body.comment(scene.rng, author, "comment");
            fields.push(pair("body", body.text()));
        }
        if fields.is_empty() || scene.chance(25) {
            votes += scene.rng.random_range(1..=3);
            fields.push(pair("votes", votes));
        }
        scene.edit_by(by, fields);
    }
    if scene.is_disputed() {
        dispute(&mut scene, &body, votes);
    }
    scene.end()
}

fn dispute(scene: &mut Scene<'_>, body: &Note, votes: u32) {
    scene.wait(1..=7);
    if scene.chance(33) {
        let (mut one, mut other) = (body.clone(), body.clone());
        one.correct(scene.rng, "proposal_clause");
        other.add(scene.rng, "proposal_clause");
        scene.disagree("body", one.text(), other.text());
        return;
    }
    let one = votes + scene.rng.random_range(1..=2);
    let other = votes + scene.rng.random_range(3..=4);
    scene.disagree("votes", one.to_string(), other.to_string());
}
