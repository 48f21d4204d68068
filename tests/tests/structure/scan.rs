//! What one file declares, imports and names: a small scanner of Rust's words.

use std::collections::BTreeSet;

/// A module of a file: the file's own, or one that stands in it.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its name below the module that holds it; empty for the file's own.
    pub(crate) name: String,
    /// Modules in it that have files of their own.
    pub(crate) children: Vec<String>,
    /// Modules that stand in it.
    pub(crate) inner: Vec<Module>,
    /// Modules in it that tests alone see.
    pub(crate) of_tests: Vec<String>,
    /// What it defines.
    pub(crate) defines: BTreeSet<String>,
    /// What it imports.
    pub(crate) uses: Vec<Use>,
    /// Paths in its code.
    pub(crate) paths: BTreeSet<Vec<String>>,
}

/// An import.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// The whole path; without its last word for `path::*`.
    pub(crate) path: Vec<String>,
    /// The name that it has here; `None` for `path::*`.
    pub(crate) alias: Option<String>,
    /// Whether it is handed on.
    pub(crate) is_public: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Sep,
    Mark(char),
}

/// Scans the text of a file.
pub(crate) fn scan(text: &str) -> Module {
    let mut scanner = Scanner { tokens: tokens(text), at: 0 };
    let mut module = Module::default();
    scanner.module(&mut module);
    module
}

/// The words and marks of a text, without comments, literals and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        match chars[i] {
            '/' if at(i + 1) == '/' => i += chars[i..].iter().take_while(|&&c| c != '\n').count(),
            '/' if at(i + 1) == '*' => i = past_comment(&chars, i),
            '"' => i = past_string(&chars, i + 1),
            'r' | 'b' if raw_hashes(&chars, i).is_some() => {
                let (from, hashes) = raw_hashes(&chars, i).unwrap_or((i, 0));
                let ends = |j: usize| at(j) == '"' && (1..=hashes).all(|k| at(j + k) == '#');
                i = (from..chars.len()).find(|&j| ends(j)).map_or(chars.len(), |j| j + 1 + hashes);
            }
            // A character in quotes, or a lifetime.
            '\'' if at(i + 1) == '\\' => {
                i = (i + 3..chars.len()).find(|&j| at(j) == '\'').map_or(chars.len(), |j| j + 1);
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            '\'' => i += 1 + chars[i + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count(),
            ':' if at(i + 1) == ':' => {
                tokens.push(Token::Sep);
                i += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                let word: String = chars[i..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                i += word.chars().count();
                tokens.push(Token::Word(word));
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(c));
                }
                i += 1;
            }
        }
    }
    tokens
}

fn past_comment(chars: &[char], from: usize) -> usize {
    let mut open = 0;
    let mut i = from;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (open, i) = (open + 1, i + 2),
            ('*', Some('/')) => (open, i) = (open - 1, i + 2),
            _ => i += 1,
        }
        if open == 0 {
            break;
        }
    }
    i
}

fn past_string(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Where the text of a raw string begins, and how many `#` end it.
fn raw_hashes(chars: &[char], from: usize) -> Option<(usize, usize)> {
    let is_inside_word = from > 0 && (chars[from - 1].is_alphanumeric() || chars[from - 1] == '_');
    let r = if chars[from] == 'b' { from + 1 } else { from };
    if is_inside_word || chars.get(r) != Some(&'r') {
        return None;
    }
    let hashes = chars[r + 1..].iter().take_while(|&&c| c == '#').count();
    (chars.get(r + 1 + hashes) == Some(&'"')).then_some((r + 2 + hashes, hashes))
}

struct Scanner {
    tokens: Vec<Token>,
    at: usize,
}

/// What begins a definition.
const KINDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is(&self, ahead: usize, mark: char) -> bool {
        self.peek(ahead) == Some(&Token::Mark(mark))
    }

    /// Reads up to the end of the text or the `}` of a module that stands in a file.
    fn module(&mut self, module: &mut Module) {
        let mut depth = 0;
        let mut is_public = false;
        while let Some(token) = self.peek(0).cloned() {
            match token {
                Token::Mark('#') if self.is(1, '[') || self.is(1, '!') => self.attribute(depth, module),
                Token::Mark('}') if depth == 0 => break,
                Token::Mark(mark) => {
                    depth += depth_of(mark);
                    is_public = false;
                    self.at += 1;
                }
                Token::Sep => self.at += 1,
                Token::Word(word) => match &*word {
                    "pub" => {
                        is_public = true;
                        self.at += 1;
                        if self.is(0, '(') {
                            self.skip_group();
                        }
                    }
                    "use" => {
                        self.at += 1;
                        self.tree(Vec::new(), is_public, module);
                    }
                    "mod" if self.word(1).is_some() => self.child(module),
                    _ => self.item_or_path(&word, depth, module),
                },
            }
        }
    }

    fn item_or_path(&mut self, word: &str, depth: i32, module: &mut Module) {
        if depth == 0 && KINDS.contains(&word) {
            let ahead = if word == "macro_rules" { 2 } else { 1 };
            if let Some(name) = self.word(ahead).filter(|name| !KINDS.contains(name) && *name != "mut") {
                module.defines.insert(name.to_owned());
                self.at += 1;
            }
            self.at += 1;
            return;
        }
        let after = self.at.checked_sub(1).map(|before| &self.tokens[before]);
        let is_member = matches!(after, Some(Token::Sep | Token::Mark('.')));
        let mut path = vec![word.to_owned()];
        self.at += 1;
        while let (Some(Token::Sep), Some(next)) = (self.peek(0), self.word(1)) {
            path.push(next.to_owned());
            self.at += 2;
        }
        // A single small word is a name only where it is called.
        let is_small = path.len() == 1 && !word.starts_with(char::is_uppercase);
        if !is_member && (!is_small || self.is(0, '(') || self.is(0, '!')) {
            module.paths.insert(path);
        }
    }

    /// `mod name;` or `mod name { ... }`
    fn child(&mut self, module: &mut Module) {
        let name = self.word(1).unwrap_or_default().to_owned();
        self.at += 2;
        if self.is(0, '{') {
            self.at += 1;
            let mut inner = Module { name, ..Module::default() };
            self.module(&mut inner);
            module.inner.push(inner);
        } else {
            module.children.push(name);
        }
        self.at += 1;
    }

    /// An attribute; what it leaves to tests is passed over.
    fn attribute(&mut self, depth: i32, module: &mut Module) {
        self.at += if self.is(1, '!') { 2 } else { 1 };
        let from = self.at;
        self.skip_group();
        let words: Vec<&Token> =
            self.tokens[from..self.at].iter().filter(|token| matches!(token, Token::Word(_))).collect();
        if words != [&Token::Word("cfg".to_owned()), &Token::Word("test".to_owned())] {
            return;
        }
        while self.is(0, '#') {
            self.at += 1;
            self.skip_group();
        }
        let mut item = self.at;
        while matches!(self.tokens.get(item), Some(Token::Word(word)) if word == "pub") {
            item += 1;
        }
        if let (0, Some(Token::Word(word)), Some(Token::Word(name))) =
            (depth, self.tokens.get(item), self.tokens.get(item + 1))
            && word == "mod"
        {
            module.of_tests.push(name.clone());
        }
        self.skip_item();
    }

    /// Passes over brackets and what is in them.
    fn skip_group(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek(0) {
            if let Token::Mark(mark) = token {
                depth += depth_of(*mark);
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    /// Passes over an item: up to its `;` or the end of its braces, or of what holds it.
    fn skip_item(&mut self) {
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark(';' | ',') => {
                    self.at += 1;
                    break;
                }
                Token::Mark('{') => {
                    self.skip_group();
                    break;
                }
                Token::Mark('(' | '[') => self.skip_group(),
                Token::Mark('}' | ')' | ']') => break,
                _ => self.at += 1,
            }
        }
    }

    /// The rest of an import: `a::{b, c as d, e::*}`.
    fn tree(&mut self, mut path: Vec<String>, is_public: bool, module: &mut Module) {
        loop {
            match self.peek(0).cloned() {
                Some(Token::Word(word)) => path.push(word),
                Some(Token::Sep) => {}
                Some(Token::Mark('*')) => {
                    module.uses.push(Use { path, alias: None, is_public });
                    self.at += 1;
                    return;
                }
                Some(Token::Mark('{')) => return self.branches(&path, is_public, module),
                _ => break,
            }
            self.at += 1;
        }
        let alias = match path.iter().position(|word| word == "as") {
            Some(at) => path.split_off(at).pop(),
            None => None,
        };
        if path.last().is_some_and(|word| word == "self") && path.len() > 1 {
            path.pop();
        }
        if let Some(alias) = alias.or_else(|| path.last().cloned()) {
            module.uses.push(Use { path, alias: Some(alias), is_public });
        }
    }

    fn branches(&mut self, path: &[String], is_public: bool, module: &mut Module) {
        self.at += 1;
        while !self.is(0, '}') && self.peek(0).is_some() {
            self.tree(path.to_vec(), is_public, module);
            if self.is(0, ',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

fn depth_of(mark: char) -> i32 {
    match mark {
        '{' | '(' | '[' => 1,
        '}' | ')' | ']' => -1,
        _ => 0,
    }
}
