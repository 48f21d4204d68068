//! Links that transfers of starting replicas share.

use crate::errors::unknown;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::fleet::{Link, LinkScope};
use flashcrowd_language::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Links by name.
pub(crate) type Links = BTreeMap<String, Arc<Link>>;

pub(crate) fn resolve(notes: &mut Notes<'_>, given: &BTreeMap<String, spec::Link>) -> Result<Links, Diagnostic> {
    let mut links = Links::new();
    for (name, link) in given {
        let path = format!("links.{name}");
        if link.rate.0 == 0 {
            return Err(notes.error(&format!("{path}.rate"), "nothing crosses a link of 0 B/s; expected more than 0"));
        }
        notes.given(&path, "");
        let scope = match link.per {
            None | Some(spec::LinkScope::Fleet) => LinkScope::Fleet,
            Some(spec::LinkScope::Region) => LinkScope::Region,
            Some(spec::LinkScope::Pool) => LinkScope::Pool,
            Some(spec::LinkScope::Node) => LinkScope::Node,
        };
        let link = Link { name: name.as_str().into(), bytes_per_s: link.rate.0, scope };
        links.insert(name.clone(), Arc::new(link));
    }
    Ok(links)
}

/// The links of these names.
pub(crate) fn find(
    notes: &Notes<'_>,
    path: &str,
    links: &Links,
    names: &[String],
) -> Result<Vec<Arc<Link>>, Diagnostic> {
    let mut found = Vec::new();
    for (name, i) in names.iter().zip(0..) {
        let Some(link) = links.get(name) else {
            let path = format!("{path}.{i}");
            if links.is_empty() {
                let error = notes.error(&path, format!("there is no link `{name}`: the scenario has none"));
                return Err(error.with_help(format!("add `links: {{\"{name}\": (rate: \"25GB/s\")}}`")));
            }
            return Err(unknown(notes, &path, "link", name, links.keys().map(String::as_str)));
        };
        found.push(Arc::clone(link));
    }
    Ok(found)
}
