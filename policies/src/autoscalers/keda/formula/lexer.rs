//! From the text of a formula to words.

use super::error::FormulaError;

/// A word and where it begins, in characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Int(i64),
    Float(f64),
    Name(String),
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 26] = [
    "**", "??", "&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "^", "<", ">", "!", "?", ":", ",", "(",
    ")", "[", "]", "{", "}",
];

/// All words of `text`, and the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FormulaError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let digit_next = chars.get(at + 1).is_some_and(char::is_ascii_digit);
        if c.is_whitespace() {
            at += 1;
        } else if c.is_ascii_digit() || (c == '.' && digit_next) {
            let end = number_end(&chars, at);
            tokens.push(Token { at, kind: number(&chars[at..end], at)? });
            at = end;
        } else if c.is_alphabetic() || c == '_' {
            let end = at + chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            let name: String = chars[at..end].iter().collect();
            tokens.push(Token { at, kind: word(name) });
            at = end;
        } else if c == '#' {
            tokens.push(Token { at, kind: Kind::Sign("#") });
            at += 1;
        } else {
            let rest: String = chars[at..].iter().take(2).collect();
            let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(*sign)) else {
                return Err(FormulaError::new(at, format!("unexpected character `{}`", c.escape_debug())));
            };
            tokens.push(Token { at, kind: Kind::Sign(sign) });
            at += sign.len();
        }
    }
    tokens.push(Token { at, kind: Kind::End });
    Ok(tokens)
}

/// Operators that are spelt out.
fn word(name: String) -> Kind {
    match name.as_str() {
        "and" => Kind::Sign("&&"),
        "or" => Kind::Sign("||"),
        "not" => Kind::Sign("!"),
        _ => Kind::Name(name),
    }
}

fn number_end(chars: &[char], start: usize) -> usize {
    let mut end = start;
    while let Some(c) = chars.get(end) {
        let signed = matches!(c, '+' | '-') && end > start && matches!(chars[end - 1], 'e' | 'E');
        if !(c.is_ascii_digit() || matches!(c, '.' | '_' | 'e' | 'E') || signed) {
            break;
        }
        end += 1;
    }
    end
}

fn number(chars: &[char], at: usize) -> Result<Kind, FormulaError> {
    let text: String = chars.iter().filter(|c| **c != '_').collect();
    if let Ok(value) = text.parse() {
        return Ok(Kind::Int(value));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Kind::Float(value)),
        _ => Err(FormulaError::new(at, format!("`{text}` is no number"))),
    }
}
