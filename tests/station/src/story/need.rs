//! A need: six fields, then one to three edits as it is seen to.

use rand::RngExt;

use super::{CATEGORIES, headed, reason};
use crate::note::Note;
use crate::scene::{LEAD, Scene, Step, pair};

const URGENCIES: [&str; 4] = ["low", "normal", "high", "now"];
const SOURCES: [&str; 5] = ["visit", "meeting", "walk_in", "phone", "message"];
/// After `raised`, in this order; the lead sets the first two.
const STATES: [&str; 4] = ["triaged", "assigned", "discussed", "solved"];

pub(crate) fn tell(mut scene: Scene<'_>) -> Vec<Step> {
    let language = scene.language();
    let category = scene.pick(&CATEGORIES);
    let title = language.say(scene.rng, &format!("need_title_{category}"));
    let mut body = Note::begin(scene.rng, language, "need_detail", "need_detail");
    let mut urgency = scene.pick(&URGENCIES);
    let source = scene.pick(&SOURCES);
    scene.create(
        "need",
        vec![
            pair("title", headed(&title)),
            pair("body", body.text()),
            pair("category", category),
            pair("urgency", urgency),
            pair("state", "raised"),
            pair("source", source),
        ],
    );
    let edits = scene.rng.random_range(1..=3);
    for state in STATES.into_iter().take(edits) {
        scene.wait(0..=14);
        let is_declined = scene.chance(8);
        let state = if is_declined { "declined" } else { state };
        let mut fields = vec![pair("state", state)];
        if is_declined {
            fields.push(pair("reason", reason(language)));
        }
        if scene.chance(70) {
            body.add(scene.rng, "need_progress");
            fields.push(pair("body", body.text()));
        }
        if scene.chance(20) {
            urgency = scene.pick_other(&URGENCIES, urgency);
            fields.push(pair("urgency", urgency));
        }
        if matches!(state, "triaged" | "assigned" | "declined") {
            scene.edit_by(LEAD, fields);
        } else {
            scene.edit(fields);
        }
        if is_declined {
            break;
        }
    }
    if scene.is_disputed() {
        dispute(&mut scene, &body, urgency);
    }
    scene.end()
}

fn dispute(scene: &mut Scene<'_>, body: &Note, urgency: &str) {
    scene.wait(1..=10);
    if scene.chance(33) {
        let (mut one, mut other) = (body.clone(), body.clone());
        one.add(scene.rng, "need_progress");
        other.add(scene.rng, "need_progress");
        scene.disagree("body", one.text(), other.text());
        return;
    }
    let left: Vec<&str> = URGENCIES
        .into_iter()
        .filter(|each| *each != urgency)
        .collect();
    let one = scene.pick(&left);
    let other = scene.pick_other(&left, one);
    scene.disagree("urgency", one.to_owned(), other.to_owned());
}
