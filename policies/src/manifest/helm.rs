//! Helm templates: files that become manifests only when `helm template` has rendered them.
//!
//! A template is text, not YAML: an action in place of a value reads as a map within a map, one on a
//! line of its own as an error. In quotes an action is valid YAML, and a wrong value. Other templates
//! stand in manifests by right (alerts, chat templates of models), so that what YAML can read is
//! refused only for the words of Helm.

use super::ManifestError;
use super::place::Place;

/// What only a chart's values and helpers are called.
const OBJECTS: [&str; 6] = [".Values", ".Release.", ".Chart.", ".Capabilities.", ".Template.", ".Files."];
/// Functions of charts that begin an action.
const FUNCTIONS: [&str; 6] = ["include \"", "template \"", "toYaml ", "tpl ", "fromYaml ", "lookup \""];
/// Words of Go's templates in general that begin an action.
const WORDS: [&str; 10] = ["if ", "else", "end", "range ", "with ", "define ", "block ", "/*", "$", "."];

/// The refusal of a template that YAML reads, and reads wrongly.
pub(super) fn read_wrongly(text: &str) -> Option<ManifestError> {
    actions(text).find(|action| !action.is_comment && action.is_helm()).as_ref().map(refusal)
}

/// The refusal of a text that YAML cannot read, if templates are why.
pub(super) fn unreadable(text: &str) -> Option<ManifestError> {
    let is_template = actions(text).any(|action| action.is_helm() || action.trims || action.begins_with(&WORDS));
    is_template.then(|| actions(text).next().as_ref().map(refusal)).flatten()
}

fn refusal(action: &Action<'_>) -> ManifestError {
    let message = "this is a Helm template, not yet a manifest";
    ManifestError::at(action.place, message).hint("render it first with `helm template`, and give what that prints")
}

/// What stands between `{{` and `}}`.
struct Action<'a> {
    words: &'a str,
    /// Whether it begins with `{{-`.
    trims: bool,
    is_comment: bool,
    place: Place,
}

impl Action<'_> {
    fn is_helm(&self) -> bool {
        OBJECTS.iter().any(|object| self.words.contains(object)) || self.begins_with(&FUNCTIONS)
    }

    fn begins_with(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.words.starts_with(word))
    }
}

/// All actions of a text; one that spans lines ends with its first.
fn actions(text: &str) -> impl Iterator<Item = Action<'_>> {
    text.lines().zip(1..).flat_map(|(line, number)| {
        line.match_indices("{{").map(move |(start, _)| {
            let inner = &line[start + 2..];
            let inner = inner.split_once("}}").map_or(inner, |(inner, _)| inner);
            let trimmed = inner.strip_prefix('-');
            Action {
                words: trimmed.unwrap_or(inner).trim_start(),
                trims: trimmed.is_some(),
                is_comment: line.trim_start().starts_with('#'),
                place: Place { line: number, column: line[..start].chars().count() + 1 },
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::manifest::tree::documents;

    #[test]
    fn a_template_is_told_from_a_manifest() {
        let table = [
            ("a: 1\nmaxReplicas: {{ .Values.max }}\n", 2, 14),
            ("{{- if .Values.autoscaling.enabled }}\na: 1\n{{- end }}\n", 1, 1),
            ("metadata:\n  labels:\n    {{- include \"chart.labels\" . | nindent 4 }}\n", 3, 5),
            ("a: 1\n{{ end }}\n", 2, 1),
            ("name: \"{{ .Release.Name }}-hpa\"\n", 1, 8),
            ("metrics:\n{{ toYaml .Values.metrics | indent 2 }}\n", 2, 1),
            ("é: x{{ .Values.a }}\n", 1, 5),
        ];
        for (text, line, column) in table {
            let error = documents(text.as_bytes()).expect_err(text);
            assert_eq!((error.line, error.column), (Some(line), Some(column)), "{text}: {error}");
            assert!(
                error.to_string().contains("Helm template") && error.to_string().contains("helm template`"),
                "{error}"
            );
        }
    }

    #[test]
    fn other_templates_in_texts_stay() {
        for text in [
            "summary: \"{{ $labels.pod }} is slow\"",
            "chat: '{{- messages[0].content }}'",
            "# maxReplicas: {{ .Values.max }}\na: 1",
            "a: {b: {c: 1}}",
        ] {
            assert!(documents(text.as_bytes()).is_ok(), "{text}");
        }
        let plain = documents(b"a: {b: {c: 1}").unwrap_err();
        assert!(!plain.to_string().contains("Helm"), "{plain}");
    }
}
