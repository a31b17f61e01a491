//! A home visit: eight fields, half of them edited once more.

use rand::RngExt;

use crate::note::Note;
use crate::scene::{Scene, Step, pair};

const PURPOSES: [&str; 8] = [
    "check_in",
    "check_in",
    "health",
    "health",
    "hardship",
    "safety",
    "children",
    "follow_up",
];
const MOODS: [&str; 5] = ["happy", "calm", "worried", "lonely", "upset"];

pub(crate) fn tell(mut scene: Scene<'_>) -> Vec<Step> {
    let home = scene.household();
    let purpose = scene.pick(&PURPOSES);
    let first = format!("finding_{purpose}");
    let mut note = Note::begin(scene.rng, home.language, &first, "finding_any");
    let mut mood = scene.pick(&MOODS);
    let mut due = next_due(&mut scene, "");
    scene.create(
        "visit",
        vec![
            pair("household", &home.label),
            pair("date", scene.date()),
            pair("purpose", purpose),
            pair("people", home.people),
            pair("alone", home.people == 1),
            pair("findings", note.text()),
            pair("mood", mood),
            pair("next_due", &due),
        ],
    );
    for _ in 0..edits(&mut scene) {
        scene.wait(0..=20);
        let mut fields = Vec::new();
        if scene.chance(75) {
            if scene.chance(20) {
                note.correct(scene.rng, &first);
            } else {
                note.add(scene.rng, "afterwards");
            }
            fields.push(pair("findings", note.text()));
        }
        if scene.chance(30) {
            mood = scene.pick_other(&MOODS, mood);
            fields.push(pair("mood", mood));
        }
        if fields.is_empty() || scene.chance(30) {
            due = next_due(&mut scene, &due);
            fields.push(pair("next_due", &due));
        }
        scene.edit(fields);
    }
    if scene.is_disputed() {
        dispute(&mut scene, &note, mood, &due);
    }
    scene.end()
}

/// Half an edit for each visit on average.
fn edits(scene: &mut Scene<'_>) -> usize {
    match scene.rng.random_range(0..100) {
        0..65 => 0,
        65..87 => 1,
        87..98 => 2,
        _ => 3,
    }
}

/// A day in the coming weeks, another one than before.
fn next_due(scene: &mut Scene<'_>, before: &str) -> String {
    let days = scene.rng.random_range(7..=60);
    let due = scene.date_in(days);
    if due == before {
        scene.date_in(days + 1)
    } else {
        due
    }
}

fn dispute(scene: &mut Scene<'_>, note: &Note, mood: &str, due: &str) {
    scene.wait(1..=20);
    match scene.rng.random_range(0..3) {
        0 => {
            let (mut one, mut other) = (note.clone(), note.clone());
            one.add(scene.rng, "afterwards");
            other.add(scene.rng, "afterwards");
            scene.disagree("findings", one.text(), other.text());
        }
        1 => {
            let one = next_due(scene, due);
            let later = scene.rng.random_range(70..=90);
            let other = scene.date_in(later);
            scene.disagree("next_due", one, other);
        }
        _ => {
            let one = scene.pick_other(&MOODS, mood);
            let left: Vec<&str> = MOODS.into_iter().filter(|each| *each != mood).collect();
            let other = scene.pick_other(&left, one);
            scene.disagree("mood", one.to_owned(), other.to_owned());
        }
    }
}
