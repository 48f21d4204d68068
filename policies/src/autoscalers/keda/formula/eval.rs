//! The value of a tree.

use super::error::FormulaError;
use super::parser::{Expr, Node};
use std::collections::BTreeMap;

/// What a trigger is in a formula; `None` is nil.
pub type Values = BTreeMap<String, Option<f64>>;

/// A value. Whole numbers stand apart, as in Go: only they have a remainder.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    List(Vec<Value>),
}

type Result<T> = std::result::Result<T, FormulaError>;

impl Value {
    fn shown(&self) -> &'static str {
        match self {
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Bool(_) => "a truth value",
            Value::Nil => "nil",
            Value::List(_) => "a list",
        }
    }

    fn number(&self, at: usize) -> Result<f64> {
        match self {
            Value::Int(value) => Ok(*value as f64),
            Value::Float(value) => Ok(*value),
            _ => Err(FormulaError::new(at, format!("expected a number, found {}", self.shown()))),
        }
    }

    fn truth(&self, at: usize) -> Result<bool> {
        match self {
            Value::Bool(value) => Ok(*value),
            _ => Err(FormulaError::new(at, format!("expected a truth value, found {}", self.shown()))),
        }
    }
}

/// The number that the tree gives.
pub(super) fn number(root: &Expr, values: &Values) -> Result<f64> {
    Scope { values, element: None }.eval(root)?.number(root.at)
}

#[derive(Clone, Copy)]
struct Scope<'a> {
    values: &'a Values,
    element: Option<&'a Value>,
}

impl Scope<'_> {
    fn eval(self, expr: &Expr) -> Result<Value> {
        Ok(match &expr.node {
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Bool(value) => Value::Bool(*value),
            Node::Nil => Value::Nil,
            Node::Element => self.element.cloned().unwrap_or(Value::Nil),
            Node::Trigger(name) => self.values.get(name).copied().flatten().map_or(Value::Nil, Value::Float),
            Node::List(items) => Value::List(items.iter().map(|item| self.eval(item)).collect::<Result<_>>()?),
            Node::Unary(sign, inner) => unary(expr.at, sign, &self.eval(inner)?)?,
            Node::Binary(sign, left, right) => self.binary(expr.at, sign, left, right)?,
            Node::Choice(condition, yes, no) => {
                let chosen = if self.eval(condition)?.truth(expr.at)? { yes } else { no };
                self.eval(chosen)?
            }
            Node::Call(name, arguments) => {
                let arguments = arguments.iter().map(|argument| self.eval(argument)).collect::<Result<Vec<_>>>()?;
                call(expr.at, name, &arguments)?
            }
            Node::Each(name, list, of_each) => self.each(expr.at, name, list, of_each)?,
        })
    }

    fn binary(self, at: usize, sign: &str, left: &Expr, right: &Expr) -> Result<Value> {
        let left = self.eval(left)?;
        match sign {
            "&&" if !left.truth(at)? => return Ok(Value::Bool(false)),
            "||" if left.truth(at)? => return Ok(Value::Bool(true)),
            "&&" | "||" => return Ok(Value::Bool(self.eval(right)?.truth(at)?)),
            "??" if left != Value::Nil => return Ok(left),
            "??" => return self.eval(right),
            _ => {}
        }
        let right = self.eval(right)?;
        if matches!(sign, "==" | "!=") {
            let equal = match (left.number(at), right.number(at)) {
                (Ok(left), Ok(right)) => left == right,
                _ => left == right,
            };
            return Ok(Value::Bool(equal == (sign == "==")));
        }
        arithmetic(at, sign, &left, &right)
    }

    fn each(self, at: usize, name: &str, list: &Expr, of_each: &Expr) -> Result<Value> {
        let list = self.eval(list)?;
        let Value::List(items) = &list else {
            return Err(FormulaError::new(at, format!("`{name}` expects a list, found {}", list.shown())));
        };
        let mut answers = Vec::new();
        for item in items {
            answers.push(Scope { element: Some(item), ..self }.eval(of_each)?);
        }
        if name == "sum" {
            return total(at, &answers);
        }
        let truths = answers.iter().map(|answer| answer.truth(at)).collect::<Result<Vec<bool>>>()?;
        let count = truths.iter().filter(|truth| **truth).count();
        Ok(match name {
            "any" => Value::Bool(count > 0),
            "all" => Value::Bool(count == truths.len()),
            "none" => Value::Bool(count == 0),
            _ => Value::Int(count as i64),
        })
    }
}

fn unary(at: usize, sign: &str, inner: &Value) -> Result<Value> {
    Ok(match (sign, inner) {
        ("!", _) => Value::Bool(!inner.truth(at)?),
        ("-", Value::Int(value)) => Value::Int(value.wrapping_neg()),
        ("-", _) => Value::Float(-inner.number(at)?),
        (_, Value::Int(value)) => Value::Int(*value),
        _ => Value::Float(inner.number(at)?),
    })
}

fn arithmetic(at: usize, sign: &str, left: &Value, right: &Value) -> Result<Value> {
    let (a, b) = (left.number(at)?, right.number(at)?);
    let whole = match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some((*a, *b)),
        _ => None,
    };
    Ok(match (sign, whole) {
        ("+", Some((a, b))) => Value::Int(a.wrapping_add(b)),
        ("-", Some((a, b))) => Value::Int(a.wrapping_sub(b)),
        ("*", Some((a, b))) => Value::Int(a.wrapping_mul(b)),
        ("%", Some((_, 0))) => return Err(FormulaError::new(at, "remainder of a division by zero")),
        ("%", Some((a, b))) => Value::Int(a.wrapping_rem(b)),
        ("%", None) => return Err(FormulaError::new(at, "`%` expects whole numbers; int(...) makes them")),
        ("+", None) => Value::Float(a + b),
        ("-", None) => Value::Float(a - b),
        ("*", None) => Value::Float(a * b),
        ("/", _) => Value::Float(a / b),
        ("**" | "^", _) => Value::Float(a.powf(b)),
        ("<", _) => Value::Bool(a < b),
        (">", _) => Value::Bool(a > b),
        ("<=", _) => Value::Bool(a <= b),
        _ => Value::Bool(a >= b),
    })
}

fn call(at: usize, name: &str, arguments: &[Value]) -> Result<Value> {
    let first = &arguments[0];
    match name {
        "min" | "max" | "mean" | "median" => {
            let mut numbers = Vec::new();
            collect(at, arguments, &mut numbers)?;
            return statistic(at, name, numbers);
        }
        _ if arguments.len() > 1 => return Err(FormulaError::new(at, format!("`{name}` takes one value"))),
        "sum" | "len" => {
            let Value::List(items) = first else {
                return Err(FormulaError::new(at, format!("`{name}` expects a list, found {}", first.shown())));
            };
            return if name == "len" { Ok(Value::Int(items.len() as i64)) } else { total(at, items) };
        }
        _ => {}
    }
    Ok(match (name, first) {
        ("abs", Value::Int(value)) => Value::Int(value.wrapping_abs()),
        ("abs", _) => Value::Float(first.number(at)?.abs()),
        ("ceil", _) => Value::Float(first.number(at)?.ceil()),
        ("floor", _) => Value::Float(first.number(at)?.floor()),
        ("round", _) => Value::Float(first.number(at)?.round()),
        ("int", _) => Value::Int(first.number(at)? as i64),
        _ => Value::Float(first.number(at)?),
    })
}

/// Numbers, and those of lists.
fn collect(at: usize, values: &[Value], numbers: &mut Vec<f64>) -> Result<()> {
    for value in values {
        match value {
            Value::List(items) => collect(at, items, numbers)?,
            other => numbers.push(other.number(at)?),
        }
    }
    Ok(())
}

fn statistic(at: usize, name: &str, mut numbers: Vec<f64>) -> Result<Value> {
    if numbers.is_empty() {
        return Err(FormulaError::new(at, format!("`{name}` of an empty list")));
    }
    numbers.sort_by(f64::total_cmp);
    let (count, middle) = (numbers.len(), numbers.len() / 2);
    Ok(Value::Float(match name {
        "min" => numbers[0],
        "max" => numbers[count - 1],
        "mean" => numbers.iter().sum::<f64>() / count as f64,
        _ if count.is_multiple_of(2) => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }))
}

fn total(at: usize, values: &[Value]) -> Result<Value> {
    let mut numbers = Vec::new();
    collect(at, values, &mut numbers)?;
    Ok(Value::Float(numbers.iter().sum()))
}
