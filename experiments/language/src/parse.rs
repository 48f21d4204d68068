//! Text to tree: RON as people write it. `Some(x)` is always implicit, a key may stand only once,
//! and nesting is limited, so that no input can exhaust the stack.

use super::scan::{Result, Scanner, SyntaxError, is_name_part, is_name_start};
use super::tree::{Name, Node, Place, Value};
use std::collections::BTreeMap;

/// Deepest nesting of values.
pub(super) const MAX_DEPTH: usize = 128;

/// Reads the one value in `text` from byte `from` on. Nesting counts from `depth`.
pub(super) fn parse(text: &str, from: usize, source: u32, depth: usize) -> Result<Node> {
    let mut parser = Parser { scan: Scanner::new(text, from, source), depth };
    parser.header()?;
    let root = parser.value()?;
    parser.scan.skip_blanks()?;
    if parser.scan.peek().is_some() {
        let found = parser.scan.found();
        return Err(SyntaxError::new(parser.scan.here(), format!("unexpected {found} after the end of the value")));
    }
    Ok(root)
}

struct Parser<'a> {
    scan: Scanner<'a>,
    depth: usize,
}

/// What opens a group, what closes it, and how its parts are called.
struct Group {
    open: usize,
    close: &'static str,
    part: &'static str,
}

impl Parser<'_> {
    /// `#![enable(...)]` lines are accepted for the sake of other readers of RON; they change nothing.
    fn header(&mut self) -> Result<()> {
        loop {
            self.scan.skip_blanks()?;
            let start = self.scan.at;
            if !self.scan.eat("#") {
                return Ok(());
            }
            let rest = self.scan.rest();
            let inner = rest.split_once(']').filter(|(head, _)| {
                let head: String = head.split_whitespace().collect();
                head.starts_with("![enable(") && head.ends_with(')')
            });
            let Some((head, _)) = inner else {
                return Err(SyntaxError::new(self.scan.place(start, start + 1), "unexpected `#`")
                    .label("expected `#![enable(...)]` or a value")
                    .help("a comment starts with `//`"));
            };
            self.scan.at += head.len() + 1;
        }
    }

    fn value(&mut self) -> Result<Node> {
        self.scan.skip_blanks()?;
        if self.depth >= MAX_DEPTH {
            let message = format!("values are nested more than {MAX_DEPTH} deep");
            return Err(SyntaxError::new(self.scan.here(), message));
        }
        self.depth += 1;
        let start = self.scan.at;
        let value = self.value_here(start);
        self.depth -= 1;
        match value? {
            // An explicit `Some(x)` means `x`.
            Value::Tuple { name: Some(name), mut items } if name.text == "Some" && items.len() == 1 => {
                Ok(items.remove(0))
            }
            value => Ok(Node { value, place: self.scan.since(start) }),
        }
    }

    fn value_here(&mut self, start: usize) -> Result<Value> {
        if self.scan.at_string() {
            return self.scan.string().map(Value::Str);
        }
        match self.scan.peek() {
            Some('(') => self.parentheses(None),
            Some('[') => self.list(),
            Some('{') => self.map(),
            Some('\'') => self.scan.character().map(Value::Char),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.scan.number().map(Value::Number),
            Some(c) if is_name_start(c) => self.named(start),
            _ => Err(SyntaxError::new(self.scan.here(), format!("expected a value, found {}", self.scan.found()))),
        }
    }

    /// What starts with a name: a keyword, a variant, or a struct.
    fn named(&mut self, start: usize) -> Result<Value> {
        let rest = self.scan.rest();
        if ["b\"", "b'", "br\"", "br#"].iter().any(|prefix| rest.starts_with(prefix)) {
            return Err(SyntaxError::new(self.scan.here(), "byte strings have no use here").help("leave the `b` away"));
        }
        let Some(word) = self.scan.name() else {
            return Err(SyntaxError::new(self.scan.here(), "expected a value"));
        };
        let name = Name { text: word.to_owned(), place: self.scan.since(start) };
        let after_name = self.scan.at;
        self.scan.skip_blanks()?;
        if self.scan.peek() == Some('(') {
            return self.parentheses(Some(name));
        }
        self.scan.at = after_name;
        Ok(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "inf" | "NaN" => Value::Number(word.to_owned()),
            _ => Value::Ident(word.to_owned()),
        })
    }

    /// `(a, b)` or `(field: a)`.
    fn parentheses(&mut self, name: Option<Name>) -> Result<Value> {
        let open = self.scan.at;
        self.scan.at += 1;
        self.scan.skip_blanks()?;
        if self.at_field() {
            let fields = self.fields(open)?;
            return Ok(Value::Struct { name, fields });
        }
        let items = self.items(&Group { open, close: ")", part: "value" })?;
        Ok(Value::Tuple { name, items })
    }

    /// Whether `name:` comes next.
    fn at_field(&self) -> bool {
        let rest = self.scan.rest();
        let rest = rest.strip_prefix("r#").unwrap_or(rest);
        if !rest.starts_with(is_name_start) {
            return false;
        }
        let mut ahead = Scanner::new(rest.trim_start_matches(is_name_part), 0, 0);
        ahead.skip_blanks().is_ok() && ahead.peek() == Some(':')
    }

    fn fields(&mut self, open: usize) -> Result<Vec<(Name, Node)>> {
        let group = Group { open, close: ")", part: "field" };
        let mut fields = Vec::new();
        let mut seen = BTreeMap::new();
        while !self.closes(&group)? {
            let name = self.field_name()?;
            self.once(&mut seen, &name.text, name.place, "field")?;
            self.colon(&name.text)?;
            fields.push((name, self.value()?));
            self.comma(&group)?;
        }
        Ok(fields)
    }

    fn field_name(&mut self) -> Result<Name> {
        let start = self.scan.at;
        let found = self.scan.found();
        let Some(word) = self.scan.name() else {
            let error = SyntaxError::new(self.scan.here(), format!("expected the name of a field, found {found}"));
            let quoted = self.scan.peek() == Some('"');
            return Err(if quoted { error.help("names of fields stand without quotes") } else { error });
        };
        Ok(Name { text: word.to_owned(), place: self.scan.since(start) })
    }

    fn list(&mut self) -> Result<Value> {
        let open = self.scan.at;
        self.scan.at += 1;
        self.items(&Group { open, close: "]", part: "element" }).map(Value::List)
    }

    fn items(&mut self, group: &Group) -> Result<Vec<Node>> {
        let mut items = Vec::new();
        while !self.closes(group)? {
            items.push(self.value()?);
            self.comma(group)?;
        }
        Ok(items)
    }

    fn map(&mut self) -> Result<Value> {
        let group = Group { open: self.scan.at, close: "}", part: "entry" };
        self.scan.at += 1;
        let mut entries = Vec::new();
        let mut seen = BTreeMap::new();
        while !self.closes(&group)? {
            let key = self.value()?;
            let text = key.value.to_string();
            self.once(&mut seen, &text, key.place, "key")?;
            self.colon(&text)?;
            entries.push((key, self.value()?));
            self.comma(&group)?;
        }
        Ok(Value::Map(entries))
    }

    /// Refuses a key that was given before.
    fn once(&self, seen: &mut BTreeMap<String, Place>, key: &str, place: Place, kind: &str) -> Result<()> {
        let Some(first) = seen.insert(key.to_owned(), place) else { return Ok(()) };
        let before = &self.scan.text[..first.start as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let key = key.trim_matches('"');
        Err(SyntaxError::new(place, format!("{kind} `{key}` is given twice"))
            .label(format!("the first is at line {line}, column {column}")))
    }

    fn colon(&mut self, key: &str) -> Result<()> {
        self.scan.skip_blanks()?;
        if self.scan.eat(":") {
            return Ok(());
        }
        let found = self.scan.found();
        Err(SyntaxError::new(
            self.scan.here(),
            format!("expected `:` after `{}`, found {found}", key.trim_matches('"')),
        ))
    }

    /// Steps over the end of the group if it is here.
    fn closes(&mut self, group: &Group) -> Result<bool> {
        self.scan.skip_blanks()?;
        if self.scan.peek().is_none() {
            return Err(self.unclosed(group));
        }
        Ok(self.scan.eat(group.close))
    }

    /// After a part: a comma, or the end of the group.
    fn comma(&mut self, group: &Group) -> Result<()> {
        let end = self.scan.at;
        self.scan.skip_blanks()?;
        if self.scan.eat(",") || self.scan.rest().starts_with(group.close) {
            return Ok(());
        }
        if self.scan.peek().is_none() {
            return Err(self.unclosed(group));
        }
        let (part, close, found) = (group.part, group.close, self.scan.found());
        // The comma belongs after the part before, which may stand lines above what was found.
        let error = SyntaxError::new(self.scan.place(end, end), format!("expected `,` or `{close}` after this {part}"));
        Err(error.label(format!("found {found}")))
    }

    fn unclosed(&self, group: &Group) -> SyntaxError {
        let opened = self.scan.place(group.open, group.open + 1);
        SyntaxError::new(opened, "this bracket is never closed").label(format!("expected `{}`", group.close))
    }
}
