//! Whether this device shows a community that `banyan demo` made, and whether what there is to look at in it
//! has been put away. A small file beside the store.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::durable;
use crate::failure::Failure;

const FILE: &str = "tour.json";

/// What is to be looked at in a demonstration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tour {
    pub(super) is_put_away: bool,
}

impl Tour {
    /// That of a folder; none if no demonstration made it. A file that cannot be read counts as new: only
    /// what is shown hangs on it.
    pub(super) fn in_folder(dir: &Path) -> Option<Self> {
        let path = dir.join(FILE);
        path.exists().then(|| {
            let text = fs::read_to_string(path).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        })
    }

    /// Keeps the choice, whole or not at all. In a new folder it makes a demonstration of it.
    pub(crate) fn keep(self, dir: &Path) -> Result<(), Failure> {
        let json = serde_json::to_vec(&self).map_err(Failure::internal)?;
        durable::write(&dir.join(FILE), &json, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_demonstration_made_has_a_tour_and_the_choice_stays() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Tour::in_folder(dir.path()), None);
        Tour::default().keep(dir.path()).unwrap();
        assert_eq!(Tour::in_folder(dir.path()), Some(Tour::default()));
        let away = Tour { is_put_away: true };
        away.keep(dir.path()).unwrap();
        assert_eq!(Tour::in_folder(dir.path()), Some(away));
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(Tour::in_folder(dir.path()), Some(Tour::default()));
    }
}
