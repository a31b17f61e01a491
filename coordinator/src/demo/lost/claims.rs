//! What has to be so, asked of the programs and told.

use serde::Serialize;

use crate::demo::story::Story;
use crate::failure::Failure;

/// Something that the story says, and whether it is so.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Claim {
    /// Which one, for scripts.
    pub(super) claim: String,
    /// The sentence.
    pub(super) said: String,
    /// Whether it holds.
    pub(super) holds: bool,
}

/// All claims so far.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    /// Notes a claim, and tells it with a mark.
    pub(super) fn check(
        &mut self,
        story: &mut Story<'_>,
        key: &str,
        places: &[(&str, &str)],
        holds: bool,
    ) -> Result<(), Failure> {
        let said = story.text.with(key, places);
        let mark = if holds { "✓" } else { "✗" };
        story.plain(&format!("       {mark} {said}"))?;
        let claim = key.rsplit('.').next().unwrap_or(key).to_owned();
        self.0.push(Claim { claim, said, holds });
        Ok(())
    }

    pub(super) fn into_list(self) -> Vec<Claim> {
        self.0
    }
}
