//! This week: what a station has in hand when somebody opens its console. Its days are counted from today,
//! so that queues, dates that have passed and the numbers of the week are there to be looked at.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use sync_core::id::{LaneId, MemberId, Millis, RecordId};
use sync_core::replica::{Moment, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{FieldEdit, STATE_FIELD, Value};
use sync_node::Node;

use crate::demo::cast::Cast;
use crate::demo::story::Story;
use crate::failure::Failure;
use crate::place;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Somebody who writes in a village.
struct Hand {
    node: Arc<Node>,
    space: LaneId,
    member: MemberId,
}

/// A field and what is typed into it.
type Typed = (&'static str, String);

/// The first village's people work, and its neighbours meet somebody whom it knows too.
pub(super) async fn is_worked(cast: &Cast, story: &mut Story<'_>) -> Result<(), Failure> {
    let hands = hands(cast).await?;
    let [first, second, ..] = hands.as_slice() else {
        // With one person only, nobody could be reviewed, helped or promoted.
        return Ok(());
    };
    let coordinator = Hand {
        node: Arc::clone(&cast.coordinator),
        space: first.space,
        member: member_of(&cast.coordinator).await?,
    };
    let needs = visits(first, second, story).await?;
    growth(&coordinator, first, second, story).await?;
    let mut sent = cast.meet().await?;
    evening(&coordinator, first, second, &needs, story).await?;
    if let Some(neighbour) = hands.iter().find(|hand| hand.space != first.space) {
        neighbour.resident(4, story).await?;
    }
    sent += cast.meet().await?;
    story.say("demo.week", &[("n", sent.to_string())])
}

async fn hands(cast: &Cast) -> Result<Vec<Hand>, Failure> {
    let mut hands = Vec::new();
    for player in &cast.players {
        if let Some(space) = cast.spaces.get(player.village) {
            hands.push(Hand {
                node: Arc::clone(&player.node),
                space: *space,
                member: member_of(&player.node).await?,
            });
        }
    }
    hands.sort_by_key(|hand| cast.spaces.iter().position(|space| *space == hand.space));
    Ok(hands)
}

async fn member_of(node: &Node) -> Result<MemberId, Failure> {
    let member = node.call(|replica, _| replica.roster().member_id(&replica.device()));
    let member = member.await?;
    member.ok_or_else(|| Failure::internal("who has joined is a member"))
}

/// Homes are visited, needs are noted, hours are claimed, and an event is held.
async fn visits(first: &Hand, second: &Hand, story: &Story<'_>) -> Result<Vec<RecordId>, Failure> {
    let door = story.text.say("demo.week.door");
    let home = vec![("door", door.clone())];
    let home = first.write("household", 4, home).await?;
    first.resident(4, story).await?;
    let visit = [
        ("household", door.clone()),
        ("date", day(-1)),
        ("purpose", "health".to_owned()),
        ("home", home.to_string()),
        ("minutes", "40".to_owned()),
        ("next_due", day(6)),
        ("findings", story.text.say("demo.week.findings")),
    ];
    let visit = first.write("visit", 1, visit.to_vec()).await?;
    let need = |title: &str, category: &str, urgency: &str| {
        vec![
            ("title", story.text.say(title)),
            ("category", category.to_owned()),
            ("urgency", urgency.to_owned()),
            ("source", "visit".to_owned()),
            ("privacy", "open".to_owned()),
            ("visit", visit.to_string()),
        ]
    };
    let lamp = need("demo.week.lamp", "roads", "high");
    let rail = need("demo.week.rail", "elders", "now");
    let needs = vec![
        first.write("need", 1, lamp).await?,
        first.write("need", 1, rail).await?,
    ];
    let again = vec![
        ("household", story.text.say("demo.week.other_door")),
        ("date", day(-3)),
        ("purpose", "check_in".to_owned()),
        ("state", "submitted".to_owned()),
    ];
    let again = second.write("visit", 3, again).await?;
    let hours = vec![
        ("what", story.text.say("demo.week.hours")),
        ("member", second.member.to_string()),
        ("date", day(-3)),
        ("minutes", "1:30".to_owned()),
        ("about", again.to_string()),
    ];
    second.write("hours", 3, hours).await?;
    let event = vec![
        ("title", story.text.say("demo.week.event")),
        ("place", story.text.say("demo.week.hall")),
        ("date", day(-2)),
        ("category", "health".to_owned()),
        ("headcount", "23".to_owned()),
        ("host", second.member.to_string()),
    ];
    let event = second.write("event", 2, event).await?;
    second.put_into(event, "held", 2).await?;
    Ok(needs)
}

/// Two are trained, one is commended and becomes a lead.
async fn growth(
    coordinator: &Hand,
    first: &Hand,
    second: &Hand,
    story: &Story<'_>,
) -> Result<(), Failure> {
    let training = vec![
        ("course", story.text.say("demo.week.course")),
        ("date", day(-5)),
        ("topic", "hosting".to_owned()),
        ("members", format!("{},{}", first.member, second.member)),
        ("minutes", "90".to_owned()),
    ];
    let training = coordinator.write("training", 5, training).await?;
    coordinator.put_into(training, "attended", 5).await?;
    let praise = vec![
        ("title", story.text.say("demo.week.praise")),
        ("members", second.member.to_string()),
        ("date", day(-4)),
        ("level", "community".to_owned()),
    ];
    coordinator.write("commendation", 4, praise).await?;
    // The first of a village leads it from the start.
    let (member, scope) = (second.member, Scope::Space(first.space));
    let grant = coordinator.node.call(move |replica, moment| {
        let moment = &mut at(4, moment);
        replica.grant(member, scope, Role::Lead, moment)
    });
    grant.await??;
    Ok(())
}

/// The session of tomorrow takes up the needs; of two tasks one is late.
async fn evening(
    coordinator: &Hand,
    first: &Hand,
    second: &Hand,
    needs: &[RecordId],
    story: &Story<'_>,
) -> Result<(), Failure> {
    let agenda: Vec<String> = needs.iter().map(ToString::to_string).collect();
    let session = vec![
        ("title", story.text.say("demo.week.session")),
        ("starts", format!("{} 19:30", day(1))),
        ("place", story.text.say("demo.week.hall")),
        ("host", first.member.to_string()),
        ("needs", agenda.join(",")),
    ];
    coordinator.write("session", 2, session).await?;
    for (title, due, about) in [
        ("demo.week.measure", -1, needs.first()),
        ("demo.week.call", 5, needs.last()),
    ] {
        let mut task = vec![
            ("title", story.text.say(title)),
            ("assignees", second.member.to_string()),
            ("due", day(due)),
        ];
        task.extend(about.map(|need| ("about", need.to_string())));
        first.write("task", 1, task).await?;
    }
    Ok(())
}

impl Hand {
    /// Begins a record, so many days ago.
    async fn write(
        &self,
        kind: &'static str,
        days_ago: i64,
        fields: Vec<Typed>,
    ) -> Result<RecordId, Failure> {
        let space = self.space;
        let written = self.node.call(move |replica, moment| {
            let known = replica.schema().kind(kind);
            let edits: Result<Vec<_>, _> = fields
                .iter()
                .filter_map(|(name, text)| Some(known?.parse_edit(name, text)))
                .collect();
            let moment = &mut at(days_ago, moment);
            replica.create(kind, space, &edits.map_err(ReplicaError::from)?, moment)
        });
        Ok(written.await??)
    }

    /// Puts a record into a state, so many days ago.
    async fn put_into(
        &self,
        record: RecordId,
        state: &'static str,
        days_ago: i64,
    ) -> Result<(), Failure> {
        let edit = FieldEdit::set(STATE_FIELD, Value::Text(state.to_owned()));
        let moved = self.node.call(move |replica, moment| {
            let moment = &mut at(days_ago, moment);
            replica.edit(record, &[edit], moment)
        });
        moved.await??;
        Ok(())
    }

    /// The same old lady, in whichever village she lives at the moment.
    async fn resident(&self, days_ago: i64, story: &Story<'_>) -> Result<(), Failure> {
        let resident = vec![
            ("name", story.text.say("demo.week.resident")),
            ("birth_year", "1948".to_owned()),
            ("phone", "15800000213".to_owned()),
        ];
        self.write("resident", days_ago, resident).await?;
        Ok(())
    }
}

/// The same moment so many days earlier.
fn at<'m>(days_ago: i64, moment: &'m mut Moment<'_>) -> Moment<'m> {
    let now = moment.now.0.saturating_sub(days_ago * DAY_MILLIS);
    Moment {
        now: Millis(now),
        rng: &mut *moment.rng,
    }
}

/// A day so many days from today.
fn day(from_today: i64) -> String {
    let now = Timestamp::from_millisecond(place::now().0).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = now.to_zoned(TimeZone::system()).date();
    let day: Date = today.saturating_add(from_today.days());
    day.to_string()
}
