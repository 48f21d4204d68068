//! From words to a tree, with the precedences of expr-lang.

use super::error::FormulaError;
use super::lexer::{Kind, Token, tokens};
use crate::manifest::nearest;

/// A node and where its operator, or its first word, stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) node: Node,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Trigger(String),
    /// `#`: the element of the list that a function goes through.
    Element,
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Call(&'static str, Vec<Expr>),
    /// A function over a list and what it asks of each element.
    Each(&'static str, Box<Expr>, Box<Expr>),
}

/// Functions of values.
const PLAIN: [&str; 12] =
    ["abs", "ceil", "floor", "round", "int", "float", "min", "max", "sum", "mean", "median", "len"];
/// Functions of a list and a condition or a mapping.
const OVER_LISTS: [&str; 5] = ["count", "any", "all", "none", "sum"];
/// Nesting that a formula may have.
const MAX_DEPTH: usize = 60;
/// Length of a formula in words; long chains nest to the left.
const MAX_TOKENS: usize = 1_000;
/// `!` and `not`; then `-` and `+`.
const NOT_PRECEDENCE: u16 = 50;
const SIGN_PRECEDENCE: u16 = 90;

/// Reads `text`; names must be among `names`.
pub(super) fn parse(text: &str, names: &[String]) -> Result<Expr, FormulaError> {
    let tokens = tokens(text)?;
    if tokens.len() > MAX_TOKENS {
        return Err(FormulaError::new(tokens[MAX_TOKENS].at, format!("longer than {MAX_TOKENS} words")));
    }
    let mut parser = Parser { tokens, next: 0, names, depth: 0, elements: 0 };
    let root = parser.expression(0)?;
    match parser.peek() {
        Kind::End => Ok(root),
        other => Err(parser.error(format!("unexpected {}", shown(&other)))),
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    names: &'a [String],
    depth: usize,
    /// Within how many `{...}` the parser is.
    elements: usize,
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Int(value) => format!("`{value}`"),
        Kind::Float(value) => format!("`{value}`"),
        Kind::Name(name) => format!("`{name}`"),
        Kind::Sign(sign) => format!("`{sign}`"),
        Kind::End => "end".to_owned(),
    }
}

/// How strongly an operator binds, and whether it groups to the right.
fn binding(sign: &str) -> Option<(u16, bool)> {
    Some(match sign {
        "||" => (10, false),
        "&&" => (15, false),
        "==" | "!=" | "<" | ">" | "<=" | ">=" => (20, false),
        "+" | "-" => (30, false),
        "*" | "/" | "%" => (60, false),
        "**" | "^" => (100, true),
        "??" => (500, false),
        _ => return None,
    })
}

impl Parser<'_> {
    fn peek(&self) -> Kind {
        self.tokens.get(self.next).map_or(Kind::End, |token| token.kind.clone())
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn error(&self, message: impl Into<String>) -> FormulaError {
        FormulaError::new(self.at(), message)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(next) if next == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), FormulaError> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self.error(format!("expected `{sign}`, found {}", shown(&self.peek()))))
    }

    /// An expression whose operators bind at least as strongly as `least`.
    fn expression(&mut self, least: u16) -> Result<Expr, FormulaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let mut left = self.operand()?;
        while let Kind::Sign(sign) = self.peek() {
            let Some((strength, to_the_right)) = binding(sign).filter(|(strength, _)| *strength >= least) else {
                break;
            };
            let at = self.at();
            self.next += 1;
            let right = self.expression(if to_the_right { strength } else { strength + 1 })?;
            left = Expr { at, node: Node::Binary(sign, Box::new(left), Box::new(right)) };
        }
        if least == 0 && matches!(self.peek(), Kind::Sign("?")) {
            let at = self.at();
            self.next += 1;
            let yes = self.expression(0)?;
            self.expect(":")?;
            let no = self.expression(0)?;
            left = Expr { at, node: Node::Choice(Box::new(left), Box::new(yes), Box::new(no)) };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, FormulaError> {
        let at = self.at();
        let kind = self.peek();
        self.next += 1;
        let node = match kind {
            Kind::Int(value) => Node::Int(value),
            Kind::Float(value) => Node::Float(value),
            Kind::Sign(sign @ ("!" | "-" | "+")) => {
                let inner = self.expression(if sign == "!" { NOT_PRECEDENCE } else { SIGN_PRECEDENCE })?;
                Node::Unary(sign, Box::new(inner))
            }
            Kind::Sign("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Kind::Sign("[") => Node::List(self.list("]")?),
            Kind::Sign("#") if self.elements > 0 => Node::Element,
            Kind::Sign("#") => return Err(FormulaError::new(at, "`#` stands only within the {...} of a function")),
            Kind::Name(name) => self.named(at, &name)?,
            Kind::End => return Err(FormulaError::new(at, "the formula ends where a value is expected")),
            Kind::Sign(sign) => return Err(FormulaError::new(at, format!("unexpected `{sign}`: expected a value"))),
        };
        Ok(Expr { at, node })
    }

    fn list(&mut self, close: &str) -> Result<Vec<Expr>, FormulaError> {
        let mut items = Vec::new();
        if self.takes(close) {
            return Ok(items);
        }
        loop {
            items.push(self.expression(0)?);
            if self.takes(close) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    fn named(&mut self, at: usize, name: &str) -> Result<Node, FormulaError> {
        match name {
            "true" | "false" => return Ok(Node::Bool(name == "true")),
            "nil" => return Ok(Node::Nil),
            _ => {}
        }
        if self.takes("(") {
            return self.call(at, name);
        }
        if self.names.iter().any(|known| known == name) {
            return Ok(Node::Trigger(name.to_owned()));
        }
        let hint = nearest(name, self.names.iter().map(String::as_str));
        let hint = hint.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        Err(FormulaError::new(at, format!("no trigger is called `{name}`{hint}")))
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Node, FormulaError> {
        let plain = PLAIN.iter().find(|known| **known == name);
        let over = OVER_LISTS.iter().find(|known| **known == name);
        if plain.is_none() && over.is_none() {
            let hint = nearest(name, PLAIN.iter().chain(&OVER_LISTS).copied());
            let hint = hint.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
            return Err(FormulaError::new(at, format!("`{name}` is no function that formulas may use here{hint}")));
        }
        if let Some(over) = over {
            let list = self.expression(0)?;
            if self.takes(",") {
                let of_each = self.of_each()?;
                self.expect(")")?;
                return Ok(Node::Each(over, Box::new(list), Box::new(of_each)));
            }
            self.expect(")")?;
            return match plain {
                Some(plain) => Ok(Node::Call(plain, vec![list])),
                None => Err(FormulaError::new(at, format!("`{name}` takes a list and a condition, as {{# > 1}}"))),
            };
        }
        let arguments = self.list(")")?;
        match plain {
            Some(_) if arguments.is_empty() => Err(FormulaError::new(at, format!("`{name}` takes at least one value"))),
            Some(plain) => Ok(Node::Call(plain, arguments)),
            None => Err(FormulaError::new(at, format!("`{name}` is no function"))),
        }
    }

    /// What is asked of each element, in braces or bare.
    fn of_each(&mut self) -> Result<Expr, FormulaError> {
        let braced = self.takes("{");
        self.elements += 1;
        let inner = self.expression(0)?;
        self.elements -= 1;
        if braced {
            self.expect("}")?;
        }
        Ok(inner)
    }
}
