//! Services with `regions`: one copy of the service for each region, and a route in front of them.
//!
//! The copies are made in the tree, so that each value keeps its place: an error in the text of the
//! service is shown there, whichever copy found it.

use flashcrowd_language::tree::{Name, Node, Place, Value};
use flashcrowd_language::{Diagnostic, Document};

/// Fields of such a service that are its route's.
const OF_ROUTE: [&str; 4] = ["routing", "health", "connect_timeout", "retries_elsewhere"];

/// Replaces each service with `regions` by its copies, named `service@region`, and adds its route.
/// What has another form than expected is left for the schema to refuse.
///
/// # Errors
/// An override of a region that cannot be applied.
pub(crate) fn spread_services(document: &mut Document) -> Result<(), Diagnostic> {
    let found: Vec<Spread> = services(document.root_mut())
        .map_or_else(Vec::new, |services| services.iter().filter_map(|(key, node)| Spread::of(key, node)).collect());
    for spread in &found {
        let Some(services) = services(document.root_mut()) else { break };
        let Some(at) = services.iter().position(|(key, _)| *key == spread.key) else { continue };
        let (_, service) = services.remove(at);
        for region in &spread.regions {
            services.push((string(spread.name_in(&region.name), spread.key.place), copy(&service, region)));
        }
        add_route(document.root_mut(), spread, &service);
        for region in &spread.regions {
            for assignment in &region.overrides {
                let label = format!("services.{}.regions.{}:", spread.name(), region.name);
                document.set(&label, &format!("services.\"{}\".{assignment}", spread.name_in(&region.name)))?;
            }
        }
    }
    Ok(())
}

/// A service with `regions`.
struct Spread {
    key: Node,
    regions: Vec<Region>,
}

struct Region {
    name: String,
    place: Place,
    overrides: Vec<String>,
}

impl Spread {
    fn of(key: &Node, service: &Node) -> Option<Spread> {
        let Value::Struct { fields, .. } = &service.value else { return None };
        let (_, regions) = fields.iter().find(|(name, _)| name.text == "regions")?;
        let Value::Map(entries) = &regions.value else { return None };
        let regions: Option<Vec<Region>> = entries.iter().map(|(name, given)| Region::of(name, given)).collect();
        let regions = regions.filter(|regions| !regions.is_empty())?;
        Some(Spread { key: key.clone(), regions })
    }

    fn name(&self) -> String {
        self.key.value.key_text()
    }

    fn name_in(&self, region: &str) -> String {
        format!("{}@{region}", self.name())
    }
}

impl Region {
    fn of(name: &Node, given: &Node) -> Option<Region> {
        let (Value::Str(text), Value::List(items)) = (&name.value, &given.value) else { return None };
        let overrides: Option<Vec<String>> = items
            .iter()
            .map(|item| match &item.value {
                Value::Str(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        Some(Region { name: text.clone(), place: name.place, overrides: overrides? })
    }
}

fn string(text: String, place: Place) -> Node {
    Node { value: Value::Str(text), place }
}

/// The services of a scenario.
fn services(root: &mut Node) -> Option<&mut Vec<(Node, Node)>> {
    let Value::Struct { fields, .. } = &mut root.value else { return None };
    let (_, node) = fields.iter_mut().find(|(name, _)| name.text == "services")?;
    match &mut node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

/// A service as it is in one region.
fn copy(service: &Node, region: &Region) -> Node {
    let mut copy = service.clone();
    if let Value::Struct { fields, .. } = &mut copy.value {
        fields.retain(|(name, _)| name.text != "regions" && !OF_ROUTE.contains(&&*name.text));
        let name = Name { text: "region".to_owned(), place: region.place };
        fields.push((name, string(region.name.clone(), region.place)));
    }
    copy
}

fn add_route(root: &mut Node, spread: &Spread, service: &Node) {
    let place = spread.key.place;
    let cells = spread.regions.iter().map(|region| string(spread.name_in(&region.name), region.place)).collect();
    let mut route = vec![(Name { text: "cells".to_owned(), place }, Node { value: Value::List(cells), place })];
    if let Value::Struct { fields, .. } = &service.value {
        route.extend(fields.iter().filter(|(name, _)| OF_ROUTE.contains(&&*name.text)).cloned());
    }
    let entry = (spread.key.clone(), Node { value: Value::Struct { name: None, fields: route }, place });
    let Value::Struct { fields, .. } = &mut root.value else { return };
    match fields.iter_mut().find(|(name, _)| name.text == "routes") {
        Some((_, Node { value: Value::Map(entries), .. })) => entries.push(entry),
        // Another form is for the schema to refuse.
        Some(_) => {}
        None => {
            let name = Name { text: "routes".to_owned(), place };
            fields.push((name, Node { value: Value::Map(vec![entry]), place }));
        }
    }
}
