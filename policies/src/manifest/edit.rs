//! Changes one value of a manifest's text, by its path: the text of everything else stays as it is, so
//! that places in messages do.
//!
//! A path names fields by dots and items by brackets: `spec.metrics[0].pods.target.averageValue`; a
//! name with dots in it stands in quotes. Of the objects in the file it begins in the one that is
//! meant, elsewhere in the first document that has its first name. A field that is not there is added.

use super::objects::Object;
use super::tree::{Node, Place, Value, documents, shorten};
use super::{Kind, ManifestError, nearest, objects};

type Result<T> = std::result::Result<T, ManifestError>;

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

/// The text with `value` at `path` of the object of `kind` that is called `name`, if one is.
///
/// ```
/// use flashcrowd_policies::autoscalers::keda::SCALED_OBJECT;
/// use flashcrowd_policies::manifest::edit;
/// let text = b"kind: ScaledObject\nspec:\n  triggers:\n  - {type: redis, metadata: {listLength: '5'}}\n";
/// let text = edit(text, &SCALED_OBJECT, None, "spec.triggers[0].metadata.listLength", "9")?;
/// let text = edit(&text, &SCALED_OBJECT, None, "spec.maxReplicaCount", "8")?;
/// let text = String::from_utf8(text)?;
/// assert!(text.contains("listLength: '9'") && text.contains("spec:\n  \"maxReplicaCount\": 8\n  triggers:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A path that leads nowhere, with the names that are there.
pub fn edit(bytes: &[u8], kind: &Kind, name: Option<&str>, path: &str, value: &str) -> Result<Vec<u8>> {
    let documents = documents(bytes)?;
    let steps = parse(path)?;
    let root = root(&documents, kind, name, &steps)?;
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::general("the manifest is no UTF-8 text"))?;
    let (found, rest) = follow(root, &steps);
    let edited = if rest.is_empty() { replace(text, found, value)? } else { add(text, found, path, rest, value)? };
    check(&edited, kind, name, &steps, value, found.place)?;
    Ok(edited)
}

/// The value is where it should be: a text that was cut at the wrong place is refused, not played.
fn check(edited: &[u8], kind: &Kind, name: Option<&str>, steps: &[Step], value: &str, place: Place) -> Result<()> {
    let wrong = |what: &str| ManifestError::at(place, format!("`{}` cannot be written here: {what}", shorten(value)));
    let documents = self::documents(edited).map_err(|error| wrong(&error.message))?;
    let root = self::root(&documents, kind, name, steps).map_err(|error| wrong(&error.message))?;
    let (found, rest) = follow(root, steps);
    if !rest.is_empty() {
        return Err(wrong("the text around it is not understood"));
    }
    match &found.value {
        Value::Text(text) if text != value.trim().trim_matches(['"', '\'']) => {
            Err(wrong(&format!("it reads {}", found.kind())))
        }
        _ => Ok(()),
    }
}

fn parse(path: &str) -> Result<Vec<Step>> {
    let wrong = |what: &str| ManifestError::general(format!("`{path}` is no path in a manifest: {what}"));
    let (mut steps, mut rest) = (Vec::new(), path.trim());
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or_else(|| wrong("a `]` is missing"))?;
            steps.push(Step::Item(index.parse().map_err(|_| wrong("expected a number in brackets"))?));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('"') {
            let (name, after) = inner.split_once('"').ok_or_else(|| wrong("a quote is never closed"))?;
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        } else {
            let length = rest.find(['.', '[']).unwrap_or(rest.len());
            // Overrides of scenarios write items as names: `metrics.0`.
            let (name, after) = rest.split_at(length);
            if name.is_empty() {
                return Err(wrong("a name is missing"));
            }
            steps.push(name.parse().map_or_else(|_| Step::Field(name.to_owned()), Step::Item));
            rest = after;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    if steps.is_empty() { Err(wrong("it is empty")) } else { Ok(steps) }
}

/// The node in which the path begins.
fn root<'a>(documents: &'a [Node], kind: &Kind, name: Option<&str>, steps: &[Step]) -> Result<&'a Node> {
    if !kind.objects.is_empty()
        && let Ok(all) = objects::objects(documents, kind.what)
    {
        let own: Vec<&Object> =
            all.iter().filter(|object| kind.takes(object.kind_name(), object.api_version)).collect();
        // A name may be that of something inside the only object, such as a deployment of Ray Serve.
        match (objects::among(&own, kind.what, name), own.as_slice()) {
            (Ok(Some(object)), _) => return Ok(object.node),
            (Err(_), [object]) => return Ok(object.node),
            (Err(error), _) => return Err(error),
            (Ok(None), _) => {}
        }
    }
    let has = |node: &&Node| match steps.first() {
        Some(Step::Field(field)) => node.get(field).is_some(),
        Some(Step::Item(_)) => matches!(node.value, Value::List(_)),
        None => false,
    };
    documents.iter().find(has).or(documents.first()).ok_or_else(|| ManifestError::general("the file holds no object"))
}

/// How far the path leads, and what is left of it.
fn follow<'a, 'p>(root: &'a Node, steps: &'p [Step]) -> (&'a Node, &'p [Step]) {
    let mut node = root;
    for (passed, step) in steps.iter().enumerate() {
        let next = match (&node.value, step) {
            (Value::Map(entries), Step::Field(name)) => entries.iter().find(|(key, _)| key.text == *name),
            (Value::Map(entries), Step::Item(index)) => entries.iter().find(|(key, _)| key.text == index.to_string()),
            (Value::List(items), Step::Item(index)) => {
                let Some(item) = items.get(*index) else { return (node, &steps[passed..]) };
                node = item;
                continue;
            }
            _ => None,
        };
        let Some((_, next)) = next else { return (node, &steps[passed..]) };
        node = next;
    }
    (node, &[])
}

/// The byte at which a place is.
fn offset(text: &str, place: Place) -> Option<usize> {
    let line = text.split_inclusive('\n').take(place.line - 1).map(str::len).sum::<usize>();
    let own = text.get(line..)?;
    let column = own.char_indices().nth(place.column - 1).map_or(own.len(), |(at, _)| at);
    Some(line + column)
}

fn replace(text: &str, node: &Node, value: &str) -> Result<Vec<u8>> {
    let start = offset(text, node.place).unwrap_or(text.len());
    let refused = |what: &str| Err(ManifestError::at(node.place, what.to_owned()));
    match &node.value {
        Value::Map(_) | Value::List(_) => return refused("this holds other values: name one of them"),
        Value::Null => return refused("there is nothing here that could be replaced"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {}
    }
    let token = &text[start..];
    let first = token.chars().next().unwrap_or_default();
    let (length, new) = match first {
        '"' | '\'' => {
            let Some(end) = token[1..].find(first) else { return refused("the text is not understood") };
            if token[1..=end].contains('\\') || token[end + 2..].starts_with(first) {
                return refused("a text with quotes in it is not replaced");
            }
            (end + 2, format!("{first}{}{first}", value.trim_matches(['"', '\''])))
        }
        '|' | '>' | '&' | '*' | '!' => return refused("a text of several lines, an anchor or a tag is not replaced"),
        _ => (plain_length(text, start), value.to_owned()),
    };
    Ok([&text[..start], &new, &text[start + length..]].concat().into_bytes())
}

/// The length of a plain scalar: in flow style it ends at a comma or a bracket.
fn plain_length(text: &str, start: usize) -> usize {
    let line = text[start..].split('\n').next().unwrap_or_default().trim_end_matches('\r');
    let line = line.split(" #").next().unwrap_or_default();
    let end = if in_flow(text, start) { line.find([',', '}', ']']) } else { None };
    line[..end.unwrap_or(line.len())].trim_end().len()
}

/// Whether a place lies between brackets of flow style. Outside of any, a bracket opens one only
/// where a value begins: others are parts of texts and remarks.
fn in_flow(text: &str, at: usize) -> bool {
    let (mut depth, mut quote, mut before) = (0_i32, None, '\n');
    for c in text[..at].chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') if depth > 0 => quote = Some(c),
            (None, '{' | '[') if depth > 0 || matches!(before, ':' | '-' | '\n') => depth += 1,
            (None, '}' | ']') if depth > 0 => depth -= 1,
            _ => {}
        }
        if !matches!(c, ' ' | '\t' | '\r') {
            before = c;
        }
    }
    depth > 0
}

/// Adds what is left of the path to the map that the rest of it leads to.
fn add(text: &str, node: &Node, path: &str, rest: &[Step], value: &str) -> Result<Vec<u8>> {
    let first = match (&node.value, rest.first()) {
        (Value::Map(entries), Some(Step::Field(_))) => entries.first().map(|(key, _)| key),
        _ => None,
    };
    let Some(first) = first else { return Err(nowhere(node, path, rest)) };
    let mut words = String::new();
    for step in rest {
        let Step::Field(name) = step else { return Err(nowhere(node, path, rest)) };
        let opening = if words.is_empty() { "" } else { "{" };
        words.extend([opening, &format!("{name:?}: ")]);
    }
    words.push_str(value);
    words.extend(std::iter::repeat_n('}', rest.len() - 1));
    let start = offset(text, first.place).unwrap_or(text.len());
    let join = if in_flow(text, start) { ", ".to_owned() } else { format!("\n{}", " ".repeat(first.place.column - 1)) };
    Ok([&text[..start], &words, &join, &text[start..]].concat().into_bytes())
}

/// The path leads nowhere: what is there.
fn nowhere(node: &Node, path: &str, rest: &[Step]) -> ManifestError {
    let wanted = match rest.first() {
        Some(Step::Field(name)) => name.clone(),
        Some(Step::Item(index)) => format!("[{index}]"),
        None => String::new(),
    };
    let message = format!("`{}` leads nowhere: there is no `{}` in {}", shorten(path), shorten(&wanted), node.kind());
    let hint = match &node.value {
        Value::Map(entries) => {
            let names: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
            let near = nearest(&wanted, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            Some(near.unwrap_or_else(|| format!("there: {}", names.join(", "))))
        }
        Value::List(items) => Some(format!("it has {} items, from [0] on", items.len())),
        _ => None,
    };
    ManifestError::at(node.place, message).maybe_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscalers::{hpa, keda};

    const HPA: &str = "# first\nkind: Deployment\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n  maxReplicas: 5 # few\n  name: 'it''s {1'\n  \
                       metrics:\n  - type: Pods\n    pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 500m}}\n";

    fn set(text: &str, path: &str, value: &str) -> String {
        let edited =
            edit(text.as_bytes(), &hpa::KIND, None, path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
        String::from_utf8(edited).unwrap()
    }

    #[test]
    fn one_value_changes_and_nothing_else() {
        assert_eq!(set(HPA, "spec.maxReplicas", "9"), HPA.replace("5 # few", "9 # few"));
        assert_eq!(set(HPA, "spec.metrics[0].pods.target.averageValue", "3"), HPA.replace("500m", "3"));
        assert_eq!(set(HPA, "spec.metrics.0.type", "Object"), HPA.replace("type: Pods", "type: Object"));
    }

    #[test]
    fn what_is_not_there_is_added() {
        let text = set(HPA, "spec.behavior.scaleDown.stabilizationWindowSeconds", "60");
        assert!(
            text.contains(
                "spec:\n  \"behavior\": {\"scaleDown\": {\"stabilizationWindowSeconds\": 60}}\n  maxReplicas"
            ),
            "{text}"
        );
        assert!(
            hpa::manifest::read(
                &text.replace("spec:\n", "metadata: {name: a}\nspec:\n  scaleTargetRef: {kind: D, name: d}\n"),
                None
            )
            .is_ok()
        );
        let text = set(HPA, "spec.metrics[0].pods.metric.selector", "{}");
        assert!(text.contains("metric: {\"selector\": {}, name: a}"), "{text}");
    }

    #[test]
    fn a_path_that_leads_nowhere_says_what_is_there() {
        for (path, words) in [
            ("spec.metrics[3].type", "it has 1 items"),
            ("spec.maxReplicas.x", "in the number 5"),
            ("spec.metrics", "holds other values"),
            ("spec..x", "a name is missing"),
            ("spec.metrics[x]", "expected a number"),
            ("", "it is empty"),
            ("spec.name", "a text with quotes in it"),
        ] {
            let error = edit(HPA.as_bytes(), &hpa::KIND, None, path, "1").unwrap_err().to_string();
            assert!(error.contains(words), "{path}: {error}");
        }
    }

    #[test]
    fn quotes_stay() {
        let text = "kind: ScaledObject\nspec: {triggers: [{type: redis, metadata: {listLength: '5', a: \"b\"}}]}\n";
        let set = |path: &str, value: &str| {
            String::from_utf8(edit(text.as_bytes(), &keda::SCALED_OBJECT, None, path, value).unwrap()).unwrap()
        };
        assert_eq!(set("spec.triggers[0].metadata.listLength", "12"), text.replace("'5'", "'12'"));
        assert_eq!(set("spec.triggers[0].metadata.a", "c"), text.replace("\"b\"", "\"c\""));
    }

    proptest::proptest! {
        /// Whatever is replaced or added, the rest of the tree stays, and the value is at its path.
        #[test]
        fn the_rest_of_the_tree_stays(value in 1_u32..1_000, which in 0_usize..4) {
            let path = ["spec.maxReplicas", "spec.minReplicas", "spec.metrics[0].pods.target.averageValue",
                "spec.metrics[0].pods.target.value"][which];
            let text = set(HPA, path, &value.to_string());
            let after = documents(text.as_bytes()).unwrap();
            let steps = parse(path).unwrap();
            let (found, rest) = follow(&after[1], &steps);
            proptest::prop_assert!(rest.is_empty());
            proptest::prop_assert_eq!(&found.value, &Value::Int(i64::from(value)));
            proptest::prop_assert_eq!(set(&text, path, &value.to_string()), text);
        }

        #[test]
        fn no_path_is_fatal(path in "[a-z0-9.\\[\\]\" é]{0,24}", value in "[a-z0-9{}\\[\\]:'\" ]{0,8}") {
            let _ = edit(HPA.as_bytes(), &hpa::KIND, None, &path, &value);
            let _ = edit(HPA.as_bytes(), &hpa::KIND, None, &format!("spec.metrics[0].{path}"), &value);
        }
    }
}
