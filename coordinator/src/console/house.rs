//! Several communities side by side, each with its own store and rights. One that cannot be opened stays
//! in its place and says why; the others do not mind.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use axum::extract::FromRef;
use futures_util::future::join_all;
use sync_node::Node;

use super::asked::Asked;
use super::cx::{Cx, Trouble};
use super::hall::Shared;
use super::pages::communities::{self, Summary};
use super::porch::Porch;
use super::views::shared::Beside;
use crate::failure::Failure;
use crate::text::Text;

/// Letters of a community's id in its address.
const ID_CHARS: usize = 8;

/// All communities of this program.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub(super) porch: Porch,
    pub(super) places: Arc<[Place]>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) beside: Beside,
    /// Where its pages begin: `/c/k7mq2xab`.
    pub(super) base: Arc<str>,
    pub(super) hall: Result<Shared, Failure>,
}

impl FromRef<House> for Porch {
    fn from_ref(house: &House) -> Self {
        house.porch.clone()
    }
}

impl House {
    /// What each community has to say of itself, in their order.
    pub(super) async fn summaries(&self, asked: &Asked) -> Vec<Result<Summary, Failure>> {
        join_all(self.places.iter().map(|place| place.summary(asked))).await
    }
}

impl Place {
    async fn summary(&self, asked: &Asked) -> Result<Summary, Failure> {
        let hall = self.hall.as_ref().map_err(Clone::clone)?;
        let cx: Cx = hall.cx(asked.clone(), false);
        let told = hall
            .node
            .call(move |replica, _| communities::summary(replica, &cx))
            .await?;
        told.map_err(|trouble| match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Missing => Failure::internal("a summary asks for no record"),
        })
    }
}

/// What a community is called, and what its address is made of.
#[derive(Debug)]
pub(super) struct Name {
    title: String,
    id: String,
    device: String,
}

impl Name {
    /// Of a community that is open.
    pub(super) async fn of(node: &Node, text: &Text) -> Result<Self, Failure> {
        let (title, id, device) = node
            .call(|replica, _| {
                let (id, device) = (replica.community(), replica.device());
                (replica.title(), id.to_string(), device.to_string())
            })
            .await?;
        Ok(Self {
            title: title.unwrap_or_else(|| text.say("word.unknown_title")),
            id,
            device,
        })
    }

    /// Of one that cannot be opened: its folder is all that is known.
    pub(super) fn of_folder(dir: &Path) -> Self {
        let name = dir.file_name().unwrap_or(dir.as_os_str());
        let path = dir.as_os_str().as_encoded_bytes();
        Self {
            title: name.to_string_lossy().into_owned(),
            id: blake3::hash(path).to_hex().to_string(),
            device: String::new(),
        }
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }
}

/// Where the pages of each begin. Two devices of one community are told apart by the device.
pub(super) fn bases(names: &[Name]) -> Vec<Arc<str>> {
    let mut taken = BTreeSet::new();
    let short = |id: &str| id.chars().take(ID_CHARS).collect::<String>();
    let bases = names.iter().map(|name| {
        let first = short(&name.id);
        let ways = [
            first.clone(),
            format!("{first}-{}", short(&name.device)),
            format!("{}-{}", name.id, name.device),
        ];
        let free = ways.into_iter().find(|way| !taken.contains(way));
        let id = free.unwrap_or_else(|| format!("{first}-{}", taken.len()));
        taken.insert(id.clone());
        format!("/c/{id}").into()
    });
    bases.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str, device: &str) -> Name {
        Name {
            title: String::new(),
            id: id.to_owned(),
            device: device.to_owned(),
        }
    }

    #[test]
    fn every_community_has_an_address_of_its_own() {
        let names = [
            name("k7mq2xabcdef", "d1"),
            name("k7mq2xabcdef", "d2"),
            name("k7mq2xabzzzz", "d2"),
            name("k7mq2xabzzzz", "d2"),
            name("other", ""),
        ];
        let bases = bases(&names);
        let bases: Vec<&str> = bases.iter().map(|base| &**base).collect();
        assert_eq!(
            bases,
            [
                "/c/k7mq2xab",
                "/c/k7mq2xab-d2",
                "/c/k7mq2xabzzzz-d2",
                "/c/k7mq2xab-3",
                "/c/other",
            ]
        );
    }
}
