//! An event: six fields, then two to four edits: confirmed, people put their names down, held with a report.

use rand::RngExt;

use super::{headed, reason};
use crate::note::Note;
use crate::scene::{Scene, Step, pair};

const CATEGORIES: [&str; 7] = [
    "health", "safety", "elders", "children", "culture", "cleaning", "meeting",
];

pub(crate) fn tell(mut scene: Scene<'_>) -> Vec<Step> {
    let language = scene.language();
    let category = scene.pick(&CATEGORIES);
    let title = language.say(scene.rng, &format!("event_title_{category}"));
    let place = language.say(scene.rng, "event_place");
    let days_ahead = scene.rng.random_range(6..=40);
    let mut headcount: u32 = 0;
    scene.create(
        "event",
        vec![
            pair("title", headed(&title)),
            pair("place", headed(&place)),
            pair("date", scene.date_in(days_ahead)),
            pair("category", category),
            pair("headcount", headcount),
            pair("state", "planned"),
        ],
    );
    let sign_ups = scene.rng.random_range(0..=2);
    // All of this is before the day itself.
    scene.wait(0..=2);
    let mut days_left = days_ahead - 2;
    scene.edit(vec![pair("state", "confirmed")]);
    for _ in 0..sign_ups {
        scene.wait(0..=2);
        days_left -= 2;
        headcount += scene.rng.random_range(3..=30);
        scene.edit(vec![pair("headcount", headcount)]);
    }
    scene.wait(days_left + 6..=days_left + 9);
    if scene.chance(5) {
        let why = pair("reason", reason(language));
        scene.edit(vec![pair("state", "cancelled"), why]);
        return scene.end();
    }
    headcount += scene.rng.random_range(1..=25);
    let report = Note::begin(scene.rng, language, "report", "report");
    scene.edit(vec![
        pair("state", "held"),
        pair("headcount", headcount),
        pair("report", report.text()),
    ]);
    if scene.is_disputed() {
        dispute(&mut scene, &report, headcount);
    }
    scene.end()
}

fn dispute(scene: &mut Scene<'_>, report: &Note, headcount: u32) {
    scene.wait(0..=3);
    if scene.chance(33) {
        let (mut one, mut other) = (report.clone(), report.clone());
        one.correct(scene.rng, "report");
        other.add(scene.rng, "report");
        scene.disagree("report", one.text(), other.text());
        return;
    }
    let one = headcount + scene.rng.random_range(1..=4);
    let other = headcount + scene.rng.random_range(5..=12);
    scene.disagree("headcount", one.to_string(), other.to_string());
}
