//! Which field of a file is likely to be the time, the prompt's length, the output's: by the names that logs
//! of gateways, load generators and published traces give them. Used in messages alone; nothing is read by it.

use super::super::format::Complaint;
use super::instants::TimeForm;
use super::words::listed;

/// What a name is compared as: letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

const TIME: &[&str] = &[
    "timestamp",
    "time",
    "ts",
    "arrival",
    "arrivaltime",
    "arrivaltimestamp",
    "arrivedat",
    "createdat",
    "created",
    "starttime",
    "startedat",
    "start",
    "startts",
    "requesttime",
    "requeststarttime",
    "requesttimestamp",
    "requestedat",
    "receivedat",
    "receivedtime",
    "sentat",
    "senttime",
    "submittime",
    "submittedat",
    "datetime",
    "date",
    "eventtime",
    "at",
    "timestampms",
    "timestampns",
    "timestampus",
    "timestamps",
    "timems",
    "times",
    "tsms",
    "unixtime",
    "epoch",
    "epochms",
    "logtime",
    "gmtcreate",
];

const PROMPT: &[&str] = &[
    "prompttokens",
    "inputtokens",
    "contexttokens",
    "inputlength",
    "promptlength",
    "inputlen",
    "promptlen",
    "numprefilltokens",
    "prefilltokens",
    "numprompttokens",
    "numinputtokens",
    "prompttokencount",
    "inputtokencount",
    "inputtokenscount",
    "prompttokenscount",
    "prompttokensize",
    "promptsize",
    "requesttokens",
    "tokensin",
    "intokens",
    "nprompttokens",
    "ninputtokens",
    "contextlength",
    "prompt",
    "input",
];

const OUTPUT: &[&str] = &[
    "completiontokens",
    "outputtokens",
    "generatedtokens",
    "generationtokens",
    "outputlength",
    "outputlen",
    "completionlength",
    "completionlen",
    "numdecodetokens",
    "decodetokens",
    "numcompletiontokens",
    "numoutputtokens",
    "numgeneratedtokens",
    "completiontokencount",
    "outputtokencount",
    "outputtokenscount",
    "candidatestokencount",
    "responsetokens",
    "responselength",
    "tokensout",
    "outtokens",
    "ncompletiontokens",
    "noutputtokens",
    "generationlength",
    "tokensize",
    "completion",
    "output",
];

/// The place of a name in a list. A dotted path counts by its last step: `usage.prompt_tokens`.
fn rank(known: &[&str], name: &str) -> Option<usize> {
    let is = |text: &str| known.iter().position(|known| *known == text);
    is(&plain(name)).or_else(|| is(&plain(last_step(name))))
}

fn last_step(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The field of a role: of several the one whose name comes first in the list, and of equal names the first. If
/// there is none, one with a slip of a letter in its name.
fn of_role<'a>(known: &[&str], names: &'a [String]) -> Option<&'a str> {
    let ranked = names.iter().filter_map(|name| Some((rank(known, name)?, name)));
    let best = ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name);
    let slip = |name: &&String| {
        let text = plain(last_step(name));
        let is_near = |known: &&str| known.len() > 7 && strsim::damerau_levenshtein(known, &text) == 1;
        // Of another role's name it is none.
        (8..=40).contains(&text.len())
            && [TIME, PROMPT, OUTPUT].iter().all(|all| rank(all, name).is_none())
            && known.iter().any(is_near)
    };
    best.or_else(|| names.iter().find(slip)).map(String::as_str)
}

/// What a file holds whose format is not known by its first line, and how to name its fields.
pub fn proposal(names: &[String]) -> Complaint {
    let message = format!("this file has {}", listed(names.iter().map(String::as_str)));
    let roles = [("time", TIME), ("prompt", PROMPT), ("output", OUTPUT)];
    let found = roles.map(|(role, known)| (role, of_role(known, names)));
    let missing: Vec<&str> = found.iter().filter(|(_, name)| name.is_none()).map(|(role, _)| *role).collect();
    let named = |(role, name): &(&str, Option<&str>)| format!("{role}: {:?}", name.unwrap_or("..."));
    let columns = |found: &[(&str, Option<&str>)]| found.iter().map(named).collect::<Vec<_>>().join(", ");
    let hint = if missing.is_empty() {
        format!("name them: `columns: ({})`", columns(&found))
    } else {
        let roles: Vec<&str> = missing.iter().map(|role| role_words(role)).collect();
        format!("no name says {}: give it by `columns: ({})`", roles.join(", or "), columns(&found))
    };
    (message, Some(hint))
}

fn role_words(role: &str) -> &'static str {
    match role {
        "time" => "when a request came",
        "prompt" => "how long its prompt is",
        _ => "how long its output is",
    }
}

/// How to say that a known file writes its times in another way.
pub(in super::super) fn in_other_form(columns: [&str; 3], form: TimeForm) -> String {
    let [time, prompt, output] = columns;
    let name = form.name();
    format!(
        "it looks like {}: `columns: (time: {time:?}, prompt: {prompt:?}, output: {output:?}), time: {name}`",
        form.words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        proposal(&names).1.unwrap()
    }

    #[test]
    fn common_names_are_known() {
        for (names, expected) in [
            (
                &["timestamp", "prompt_tokens", "completion_tokens"][..],
                ["timestamp", "prompt_tokens", "completion_tokens"],
            ),
            (&["Timestamp", "ContextTokens", "GeneratedTokens"], ["Timestamp", "ContextTokens", "GeneratedTokens"]),
            (
                &["id", "arrived_at", "num_prefill_tokens", "num_decode_tokens"],
                ["arrived_at", "num_prefill_tokens", "num_decode_tokens"],
            ),
            (
                &["request_id", "arrival_timestamp", "prompt_size", "token_size"],
                ["arrival_timestamp", "prompt_size", "token_size"],
            ),
            (
                &["Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens"],
                ["Timestamp", "Request tokens", "Response tokens"],
            ),
            (
                &["created_at", "prompt", "usage.input_tokens", "usage.output_tokens"],
                ["created_at", "usage.input_tokens", "usage.output_tokens"],
            ),
            (&["TIMESTAMP", "ContextToken", "GenreatedTokens"], ["TIMESTAMP", "ContextToken", "GenreatedTokens"]),
            (&["startTime", "promptTokens", "completionTokens"], ["startTime", "promptTokens", "completionTokens"]),
        ] {
            let [time, prompt, output] = expected;
            assert_eq!(
                hint(names),
                format!("name them: `columns: (time: \"{time}\", prompt: \"{prompt}\", output: \"{output}\")`")
            );
        }
    }

    #[test]
    fn a_role_that_no_name_has_is_said() {
        assert_eq!(
            hint(&["when", "in_tokens", "x"]),
            "no name says when a request came, or how long its output is: give it by \
             `columns: (time: \"...\", prompt: \"in_tokens\", output: \"...\")`"
        );
    }
}
