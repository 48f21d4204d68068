//! The tokens of a query, read one after the other.

use super::{QueryError, Result, refused};
use flashcrowd_core::SimDuration;

/// A token, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(f64),
    Text(String),
    Sign(char),
    /// `=`, `!=`, `=~`, `!~`, `==`, `>=`, `<=`.
    Operator(&'static str),
    /// What stands between brackets.
    Range(String),
}

/// What is left of a query.
pub(super) struct Tokens<'a> {
    text: &'a str,
    all: Vec<(usize, Token)>,
    at: usize,
}

const OPERATORS: [&str; 7] = ["=~", "!~", "!=", "==", ">=", "<=", "="];

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if c.is_whitespace() {
                at += c.len_utf8();
            } else if c == '#' {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
            } else {
                let (token, length) = token(&text[at..])?;
                tokens.push((at, token));
                at += length;
            }
        }
        Ok(Tokens { text, all: tokens, at: 0 })
    }

    fn next(&self) -> Option<&Token> {
        self.all.get(self.at).map(|(_, token)| token)
    }

    pub(super) fn is_over(&self) -> bool {
        self.at == self.all.len()
    }

    /// The text that was not read.
    pub(super) fn rest(&self) -> String {
        let Some((start, _)) = self.all.get(self.at) else { return "the end of the query".to_owned() };
        let rest: Vec<&str> = self.text[*start..].split_whitespace().collect();
        let rest = rest.join(" ");
        if rest.chars().count() > 60 { rest.chars().take(57).chain("...".chars()).collect() } else { rest }
    }

    pub(super) fn sees(&self, sign: char) -> bool {
        self.next() == Some(&Token::Sign(sign))
    }

    pub(super) fn sees_word(&self, words: &[&str]) -> bool {
        matches!(self.next(), Some(Token::Word(word)) if words.contains(&word.as_str()))
    }

    pub(super) fn eat(&mut self, sign: char) -> bool {
        let sees = self.sees(sign);
        self.at += usize::from(sees);
        sees
    }

    pub(super) fn expect(&mut self, sign: char) -> Result<()> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(refused(format!("`{}` is not understood: expected `{sign}`", self.rest())))
        }
    }

    pub(super) fn word(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.next() else { return None };
        let word = word.clone();
        self.at += 1;
        Some(word)
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        let Some(Token::Number(number)) = self.next() else { return None };
        let number = *number;
        self.at += 1;
        Some(number)
    }

    /// An operator and the text that a label is held against.
    pub(super) fn matcher(&mut self) -> Result<(String, String)> {
        let found = match (self.all.get(self.at), self.all.get(self.at + 1)) {
            (Some((_, Token::Operator(operator))), Some((_, Token::Text(text)))) => Some((*operator, text.clone())),
            _ => None,
        };
        let Some((operator, text)) = found.filter(|(operator, _)| matches!(*operator, "=" | "!=" | "=~" | "!~")) else {
            return Err(refused(format!("`{}` is not understood: expected a filter", self.rest())));
        };
        self.at += 2;
        Ok((operator.to_owned(), text))
    }

    /// `[5m]`.
    pub(super) fn range(&mut self) -> Result<SimDuration> {
        let Some(Token::Range(inner)) = self.next() else {
            return Err(refused(format!("`{}` is not understood: expected a range such as [2m]", self.rest())));
        };
        let range = duration(inner).ok_or_else(|| refused(format!("the range `[{inner}]` is not understood")))?;
        self.at += 1;
        Ok(range)
    }
}

/// The first token and its length in bytes.
fn token(text: &str) -> std::result::Result<(Token, usize), QueryError> {
    let first = text.chars().next().unwrap_or_default();
    let run = |is: fn(char) -> bool| text.find(|c: char| !is(c)).unwrap_or(text.len());
    if first.is_ascii_alphabetic() || matches!(first, '_' | ':') {
        let length = run(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
        return Ok((Token::Word(text[..length].to_owned()), length));
    }
    if first.is_ascii_digit() || first == '.' {
        let length = run(|c| c.is_ascii_alphanumeric() || c == '.');
        let number = text[..length].parse().ok().filter(|number: &f64| number.is_finite());
        // What is no number, such as `5m` after `offset`, is understood nowhere.
        let token = number.map_or_else(|| Token::Word(text[..length].to_owned()), Token::Number);
        return Ok((token, length));
    }
    if matches!(first, '"' | '\'' | '`') {
        let end = text[1..].find(first).filter(|end| !text[1..=*end].contains('\\'));
        let end = end.ok_or_else(|| refused(format!("the text `{}` is not understood", shown(text))))?;
        return Ok((Token::Text(text[1..=end].to_owned()), end + 2));
    }
    if first == '[' {
        let end = text.find(']').ok_or_else(|| refused(format!("`{}` has no `]`", shown(text))))?;
        return Ok((Token::Range(text[1..end].trim().to_owned()), end + 1));
    }
    if let Some(operator) = OPERATORS.iter().find(|operator| text.starts_with(**operator)) {
        return Ok((Token::Operator(operator), operator.len()));
    }
    Ok((Token::Sign(first), first.len_utf8()))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `1h30m`, as Prometheus writes it.
fn duration(text: &str) -> Option<SimDuration> {
    let mut rest = text;
    let mut total_s = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let unit_s = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total_s += count * unit_s;
        rest = &rest[unit_end..];
    }
    (total_s > 0.0 && total_s < 1e8).then(|| SimDuration::from_s_f64(total_s))
}
