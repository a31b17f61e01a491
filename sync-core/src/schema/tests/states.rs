//! Facts about how far records come, and by whom.

use super::*;

fn kind(name: &str) -> &'static Kind {
    Schema::station().kind(name).expect("a kind of the station")
}

fn mover(role: Role, is_own: bool) -> Mover {
    Mover {
        role,
        is_own,
        gives_reason: false,
    }
}

#[test]
fn every_state_is_reached_and_every_end_is_an_end() {
    for kind in Schema::station().kinds() {
        if kind.states().is_empty() {
            assert!(!kind.is_state(STATE_FIELD), "{}", kind.name());
            continue;
        }
        assert!(kind.is_state(STATE_FIELD));
        let mut reached: Vec<&str> = kind
            .states()
            .iter()
            .filter(|state| state.is_initial())
            .map(State::value)
            .collect();
        let mut at = 0;
        while let Some(from) = reached.get(at).copied() {
            for next in kind.next_states(from) {
                if !reached.contains(&next.value()) {
                    reached.push(next.value());
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), kind.states().len(), "{}", kind.name());
        let of_field = kind
            .field(STATE_FIELD)
            .expect("a state field")
            .ty()
            .choices();
        assert_eq!(of_field.len(), kind.states().len());
        for state in kind.states() {
            let goes_on = kind.next_states(state.value()).next().is_some();
            assert!(
                !(state.is_end() && goes_on),
                "{} {}",
                kind.name(),
                state.value()
            );
        }
    }
}

#[test]
fn the_work_of_a_station_goes_its_way() {
    let ways = [
        (
            "visit",
            "draft submitted returned resubmitted returned resubmitted accepted",
        ),
        (
            "need",
            "raised triaged assigned discussed solved confirmed closed",
        ),
        (
            "need",
            "raised triaged assigned discussed referred confirmed closed",
        ),
        ("need", "raised triaged assigned discussed declined closed"),
        (
            "proposal",
            "draft submitted returned submitted accepted escalated in_progress done answered",
        ),
        ("event", "planned confirmed held reported accepted"),
        ("event", "planned confirmed cancelled"),
        ("session", "planned held minutes_agreed"),
        ("resolution", "agreed in_progress done published"),
        ("resolution", "agreed in_progress failed published"),
        ("task", "open doing done verified"),
        ("hours", "claimed confirmed certified"),
        ("consent", "given withdrawn"),
        ("consent", "given expired"),
        ("training", "planned attended passed"),
    ];
    for (name, way) in ways {
        let kind = kind(name);
        let by = Mover {
            gives_reason: true,
            ..mover(Role::Coordinator, false)
        };
        let way: Vec<&str> = way.split(' ').collect();
        assert!(kind.state(way[0]).is_some_and(State::is_initial));
        for step in way.windows(2) {
            assert_eq!(
                kind.check_move(&[step[0]], step[1], by),
                Ok(()),
                "{name} {step:?}"
            );
        }
    }
}

#[test]
fn nobody_confirms_their_own_hours_whatever_their_rank() {
    let hours = kind("hours");
    for role in [Role::Volunteer, Role::Lead, Role::Coordinator, Role::Owner] {
        assert!(hours.may_enter("claimed", role, true));
        assert!(hours.may_enter("confirmed", role, false));
        assert!(!hours.may_enter("confirmed", role, true), "{role}");
        let refused = hours.check_move(&["claimed"], "confirmed", mover(role, true));
        let to = "confirmed".to_owned();
        assert_eq!(refused, Err(StateError::NotYourOwn { to }));
    }
    let refused = hours.check_move(&["confirmed"], "certified", mover(Role::Lead, false));
    let (to, least) = ("certified".to_owned(), Role::Coordinator);
    assert_eq!(refused, Err(StateError::NotAllowed { to, least }));
}

#[test]
fn own_drafts_are_handed_in_by_their_author_or_a_lead() {
    let visit = kind("visit");
    assert!(visit.may_enter("submitted", Role::Volunteer, true));
    assert!(!visit.may_enter("submitted", Role::Volunteer, false));
    assert!(visit.may_enter("submitted", Role::Lead, false));
    assert!(!visit.may_enter("accepted", Role::Volunteer, true));
}

#[test]
fn moves_that_lead_nowhere_are_refused_with_where_they_could_lead() {
    let visit = kind("visit");
    let lead = mover(Role::Lead, false);
    let refusal = |now: &[&str], to| visit.check_move(now, to, lead).expect_err(to).to_string();
    assert_eq!(
        refusal(&["draft"], "accepted"),
        "a record goes from the state \"draft\" to submitted, not to \"accepted\""
    );
    assert_eq!(
        refusal(&["accepted"], "submitted"),
        "the record is in the state \"accepted\", and nothing comes after that"
    );
    assert_eq!(
        refusal(&["submitted"], "returned"),
        "the state \"returned\" needs a reason: give the field reason with it"
    );
    // A record from before visits had states is a draft.
    assert_eq!(visit.check_move(&[], "submitted", lead), Ok(()));
    // What a newer version has put it into, and to stay where it is.
    assert_eq!(visit.check_move(&["archived"], "accepted", lead), Ok(()));
    assert_eq!(visit.check_move(&["draft"], "draft", lead), Ok(()));
    // One of two at the same time is chosen by whoever may set it.
    let both = ["accepted", "returned"];
    assert_eq!(visit.check_move(&both, "accepted", lead), Ok(()));
    let volunteer = mover(Role::Volunteer, true);
    assert!(visit.check_move(&both, "accepted", volunteer).is_err());
}

#[test]
fn records_begin_where_they_begin_or_one_step_on() {
    let proposal = kind("proposal");
    let volunteer = mover(Role::Volunteer, true);
    assert_eq!(proposal.check_first("draft", volunteer), Ok(()));
    assert_eq!(proposal.check_first("submitted", volunteer), Ok(()));
    let lead = mover(Role::Lead, true);
    let refused = proposal.check_first("done", lead);
    let (to, initial) = ("done".to_owned(), "draft".to_owned());
    assert_eq!(refused, Err(StateError::NotABeginning { to, initial }));
    assert_eq!(
        proposal.check_first("done", mover(Role::Coordinator, true)),
        Ok(())
    );
    // Not even a coordinator brings confirmed hours of their own.
    let hours = kind("hours");
    assert!(
        hours
            .check_first("confirmed", mover(Role::Owner, true))
            .is_err()
    );
}

#[test]
fn a_state_is_not_asked_for_and_cannot_be_cleared() {
    let visit = kind("visit");
    let args = ["date=2024-02-29", "household=1", "purpose=health"].map(str::to_owned);
    let edits = visit.parse_assignments(&args).expect("good arguments");
    assert_eq!(visit.check_complete(&edits), Ok(()));
    assert_eq!(visit.first_state().map(State::value), Some("draft"));
    assert!(matches!(
        visit.parse_edit("state", ""),
        Err(FieldError::Empty { .. })
    ));
}

#[test]
fn states_that_break_a_rule_are_refused() {
    let states = r#""states": [
        {"value": "new", "labels": {"zh": "新", "en": "New"}, "who": {"any": {"least": "volunteer"}}},
        {"value": "old", "labels": {"zh": "旧", "en": "Old"}, "from": ["new"], "who": {"other": {"least": "lead"}}}],
        "title""#;
    let good = GOOD
        .replacen("\"title\"", states, 1)
        .replacen("\"natural_key\": \"door\",", "", 1)
        .replacen(
            "\"type\": \"choice\",",
            "\"type\": \"choice\", \"required\": true",
            1,
        );
    let from = good.find("true\n").expect("the state field");
    let good = format!("{}true}}]}}]}}", &good[..from]);
    assert!(Schema::parse(&good).is_ok(), "{good}");
    for (from, to, sentence) in [
        (
            ", \"required\": true}]}]}",
            "}]}]}",
            "the kind \"house\" has states: it needs a required choice named state, without choices of its own",
        ),
        (
            "\"type\": \"choice\"",
            "\"type\": \"line\"",
            "the kind \"house\" has states: it needs a required choice named state, without choices of its own",
        ),
        (
            "\"who\": {\"any\"",
            "\"from\": [\"old\"], \"who\": {\"any\"",
            "the kind \"house\" has states but none to begin in: one needs an empty \"from\"",
        ),
        (
            "[\"new\"]",
            "[\"newer\"]",
            "the state \"old\" of the kind \"house\" is reached from \"newer\", which is no state",
        ),
        (
            "\"from\"",
            "\"needs_reason\": true, \"from\"",
            "a state of the kind \"house\" needs a reason: it needs a line or text named reason",
        ),
        (
            "\"title\"",
            "\"natural_key\": \"door\", \"title\"",
            "the kind \"house\" has a natural key: several may begin one, so no right can ask who did",
        ),
        (
            "\"edit\": {\"any\"",
            "\"edit\": {\"other\"",
            "whoever begins a record of the kind \"house\" must be able to edit it: \"other\" is for states",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Schema::parse(&good.replacen(from, to, 1)).expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
    }
}
