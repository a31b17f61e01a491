//! Where a number leads: to the list of the records that it counts.

use jiff::civil::Date;
use sync_core::view::statistics::Question;
use sync_core::view::statistics::account::{LAST_DAY, Measure, Span, Whose, left};

/// The list behind a number, narrowed step by step.
#[derive(Debug, Clone)]
pub(super) struct Link {
    whose: Whose,
    pairs: Vec<(&'static str, String)>,
    from: Option<String>,
    to: Option<String>,
    village: Option<String>,
    person: Option<String>,
}

impl Link {
    /// All records.
    pub(super) fn to_all(question: &Question) -> Self {
        Self::new(question, Whose::BegunOrNamed, Vec::new())
    }

    /// The records of one kind.
    pub(super) fn to_kind(question: &Question, kind: &str) -> Self {
        Self::new(
            question,
            Whose::BegunOrNamed,
            vec![("kind", kind.to_owned())],
        )
    }

    /// The records of a measure.
    pub(super) fn to(question: &Question, measure: &Measure) -> Self {
        let kind = measure.kind.map(|kind| ("kind", kind.to_owned()));
        let states = measure.states.iter();
        let states = states.map(|state| ("state", (*state).to_owned()));
        let clash = measure.only_conflicts.then(|| ("flag", "clash".to_owned()));
        let pairs = kind.into_iter().chain(states).chain(clash).collect();
        Self::new(question, measure.whose, pairs).spanning(measure.span)
    }

    /// What the time that is asked for has to do with the records.
    fn spanning(mut self, span: Span) -> Self {
        match span {
            Span::About => {}
            Span::DueBy => {
                self.from = None;
                let end = self.to.take().unwrap_or_else(|| LAST_DAY.to_owned());
                self.pairs.push(("due_to", end));
            }
            Span::NotVisited => {
                self.pairs.push(("unvisited", "1".to_owned()));
                let left = left().into_iter();
                let left = left.map(|(field, value)| ("not", format!("{field}:{value}")));
                self.pairs.extend(left);
            }
        }
        self
    }

    fn new(question: &Question, whose: Whose, pairs: Vec<(&'static str, String)>) -> Self {
        let person = question.person.as_ref();
        Self {
            whose,
            pairs,
            from: question.from.clone(),
            to: question.to.clone(),
            village: question.space.map(|id| id.to_string()),
            person: person.map(|person| person.member.to_string()),
        }
    }

    /// Only in one state.
    pub(super) fn in_state(mut self, state: &str) -> Self {
        self.pairs.push(("state", state.to_owned()));
        self
    }

    /// Only where a field is chosen to be this.
    pub(super) fn chosen(mut self, field: &str, value: &str) -> Self {
        self.pairs.push(("choice", format!("{field}:{value}")));
        self
    }

    /// Only of one space.
    pub(super) fn in_space(mut self, space: &str) -> Self {
        self.village = Some(space.to_owned());
        self
    }

    /// Only of one person.
    pub(super) fn of_person(mut self, member: &str) -> Self {
        self.person = Some(member.to_owned());
        self
    }

    /// Only from one day to another, within the time that was asked for anyway.
    pub(super) fn within(mut self, first: Date, last: Date) -> Self {
        let (first, last) = (first.to_string(), last.to_string());
        self.from = Some(
            self.from
                .map_or_else(|| first.clone(), |from| from.max(first.clone())),
        );
        self.to = Some(
            self.to
                .map_or_else(|| last.clone(), |to| to.min(last.clone())),
        );
        self
    }

    /// The address.
    pub(super) fn href(self) -> String {
        let person = match self.whose {
            Whose::BegunOrNamed => "person",
            Whose::Named => "named",
        };
        let more = [
            ("village", self.village),
            (person, self.person),
            ("from", self.from),
            ("to", self.to),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs);
        let more = more.into_iter();
        query.extend_pairs(more.filter_map(|(name, value)| Some((name, value?))));
        format!("/records?{}", query.finish())
    }
}
