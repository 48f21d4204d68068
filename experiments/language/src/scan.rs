//! Reads the words of RON: blanks and comments, names, numbers, strings and characters.

use super::tree::Place;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxError {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
}

impl SyntaxError {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        SyntaxError { place, message: message.into(), label: None, help: None }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// A cursor over a text.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    source: u32,
}

impl<'a> Scanner<'a> {
    /// Starts at byte `at` of text number `source`.
    pub(super) fn new(text: &'a str, at: usize, source: u32) -> Self {
        Scanner { text, at, source }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Steps over `token` if it comes next.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn place(&self, start: usize, end: usize) -> Place {
        Place { source: self.source, start: start as u32, end: end as u32 }
    }

    /// The place from `start` to here.
    pub(super) fn since(&self, start: usize) -> Place {
        self.place(start, self.at)
    }

    /// The place of the next character; empty at the end.
    pub(super) fn here(&self) -> Place {
        self.place(self.at, self.at + self.peek().map_or(0, char::len_utf8))
    }

    /// What comes next, for messages.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end of the text".to_owned(),
            Some(c) if is_name_start(c) => {
                format!("`{}`", self.rest().chars().take_while(|c| is_name_part(*c)).take(40).collect::<String>())
            }
            Some(c) => format!("`{}`", c.escape_debug()),
        }
    }

    /// Steps over blanks, `// ...` and nested `/* ... */`.
    pub(super) fn skip_blanks(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            if self.eat("/*") {
                depth += 1;
            } else if self.eat("*/") {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            } else if self.bump().is_none() {
                return Err(SyntaxError::new(self.place(start, start + 2), "this comment is never closed")
                    .label("expected a `*/` for each `/*`"));
            }
        }
    }

    /// A name such as `nodes`, or `r#type`.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let raw = self.rest().strip_prefix("r#").is_some_and(|rest| rest.starts_with(is_name_start));
        let start = self.at + if raw { 2 } else { 0 };
        let word = &self.text[start..];
        if !word.starts_with(is_name_start) {
            return None;
        }
        let length = word.find(|c| !is_name_part(c)).unwrap_or(word.len());
        self.at = start + length;
        Some(&word[..length])
    }

    /// Whether a string starts here, raw or not.
    pub(super) fn at_string(&self) -> bool {
        let rest = self.rest();
        rest.starts_with('"') || rest.strip_prefix('r').is_some_and(|raw| raw.trim_start_matches('#').starts_with('"'))
    }

    /// A string, raw or with escapes.
    pub(super) fn string(&mut self) -> Result<String> {
        let start = self.at;
        if self.eat("r") {
            let hashes = self.rest().len() - self.rest().trim_start_matches('#').len();
            self.at += hashes + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            let Some(length) = self.rest().find(&close) else {
                return Err(unclosed(self.place(start, self.at), &close));
            };
            let text = self.rest()[..length].to_owned();
            self.at += length + close.len();
            return Ok(text);
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(unclosed(self.place(start, start + 1), "\"")),
                Some('"') => return Ok(text),
                Some('\\') => text.extend(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    /// A character in single quotes.
    pub(super) fn character(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 1;
        let c = match self.bump() {
            Some('\\') => self.escape()?,
            other => other.filter(|c| *c != '\''),
        };
        match c {
            Some(c) if self.eat("'") => Ok(c),
            _ => Err(SyntaxError::new(self.place(start, start + 1), "expected one character between single quotes")
                .help("a text stands in double quotes")),
        }
    }

    /// What follows a backslash; `None` for an escaped line end, which stands for nothing.
    fn escape(&mut self) -> Result<Option<char>> {
        let start = self.at - 1;
        let c = match self.bump() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some(c @ ('\\' | '"' | '\'')) => c,
            Some('x') => return self.code_point(start, 2),
            Some('u') if self.eat("{") => {
                let digits = self.rest().find('}').filter(|length| (1..=6).contains(length)).unwrap_or(0);
                let c = self.code_point(start, digits)?;
                self.at += 1;
                return Ok(c);
            }
            Some('\n') => {
                self.at += self.rest().len() - self.rest().trim_start().len();
                return Ok(None);
            }
            _ => return Err(bad_escape(self.since(start))),
        };
        Ok(Some(c))
    }

    fn code_point(&mut self, start: usize, digits: usize) -> Result<Option<char>> {
        let c = self.rest().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        if c.is_none() {
            return Err(bad_escape(self.since(start)));
        }
        self.at += digits;
        Ok(c)
    }

    /// A number as written: `-1_000`, `0x1F`, `.5`, `6.02e23`, `inf`, `NaN`.
    pub(super) fn number(&mut self) -> Result<String> {
        let start = self.at;
        let _sign = self.eat("-") || self.eat("+");
        if self.eat("inf") || self.eat("NaN") {
            return Ok(self.text[start..self.at].to_owned());
        }
        let radix = [("0x", 16), ("0b", 2), ("0o", 8)].into_iter().find(|(prefix, _)| self.eat(prefix));
        let digits = self.digits(radix.map_or(10, |(_, radix)| radix));
        let mut whole = digits > 0;
        if radix.is_none() {
            if self.eat(".") {
                whole |= self.digits(10) > 0;
            }
            if whole && (self.eat("e") || self.eat("E")) {
                let _sign = self.eat("-") || self.eat("+");
                whole = self.digits(10) > 0;
            }
        }
        let word_end = self.rest().find(|c| !is_name_part(c)).unwrap_or(self.rest().len());
        if word_end > 0 || !whole {
            self.at += word_end;
            let word = &self.text[start..self.at];
            let error = SyntaxError::new(self.since(start), format!("`{}` is not a number", word.escape_debug()));
            return Err(error.help("a value with a unit stands in quotes, such as \"15s\""));
        }
        Ok(self.text[start..self.at].to_owned())
    }

    fn digits(&mut self, radix: u32) -> usize {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_digit(radix) && c != '_').unwrap_or(rest.len());
        self.at += length;
        rest[..length].bytes().filter(|byte| *byte != b'_').count()
    }
}

pub(super) fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

pub(super) fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn unclosed(place: Place, close: &str) -> SyntaxError {
    SyntaxError::new(place, "this string is never closed").label(format!("expected `{close}` at its end"))
}

fn bad_escape(place: Place) -> SyntaxError {
    SyntaxError::new(place, "this escape does not exist")
        .label(r#"expected one of \n \t \r \0 \\ \" \' \x41 \u{1F600}"#)
        .help(r#"in a raw string, r"C:\traces", a backslash is a backslash"#)
}
