//! `scalingModifiers.formula`: the part of the expr-lang language that formulas of KEDA use.
//!
//! Numbers (whole and not), truth values, `nil`, names of triggers, lists; `+ - * / % ** ^`,
//! comparisons, `&& || !` (`and or not`), `?:`, `??`; `abs ceil floor round int float min max sum mean
//! median len` and, over lists with `{...}` and `#`, `count any all none sum`. What is outside of this
//! is refused with its place.

mod error;
mod eval;
mod lexer;
mod parser;

pub use error::FormulaError;
pub use eval::Values;

use std::fmt;

/// A formula that has been read and tried.
#[derive(Clone, PartialEq)]
pub struct Formula {
    text: String,
    root: parser::Expr,
}

impl Formula {
    /// Reads `text` over the triggers of these names, and tries it once as KEDA's webhook does.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::keda::formula::Formula;
    /// let names = ["queue".to_owned(), "rate".to_owned()];
    /// let formula = Formula::new("count([queue, rate], {# > 1}) > 1 ? max(queue / 2, rate) : 0", &names)?;
    /// let values = [("queue".to_owned(), Some(9.0)), ("rate".to_owned(), Some(3.0))].into_iter().collect();
    /// assert_eq!(formula.value(&values)?, 4.5);
    /// let error = Formula::new("queue + rat", &names).unwrap_err();
    /// assert_eq!(error.position, 9);
    /// # Ok::<(), flashcrowd_policies::autoscalers::keda::formula::FormulaError>(())
    /// ```
    ///
    /// # Errors
    /// If it is not of the language, names no trigger, or does not give a number.
    pub fn new(text: &str, names: &[String]) -> Result<Formula, FormulaError> {
        let root = parser::parse(text, names)?;
        let formula = Formula { text: text.to_owned(), root };
        // KEDA's webhook runs it once with -1 for every trigger.
        formula.value(&names.iter().map(|name| (name.clone(), Some(-1.0))).collect())?;
        Ok(formula)
    }

    /// The number that it gives.
    ///
    /// # Errors
    /// If a value does not fit its operator, such as nil where a number is needed.
    pub fn value(&self, values: &Values) -> Result<f64, FormulaError> {
        eval::number(&self.root, values)
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formula({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64, FormulaError> {
        let names = ["a".to_owned(), "b".to_owned()];
        let values = [("a".to_owned(), Some(3.0)), ("b".to_owned(), None)].into_iter().collect();
        let root = parser::parse(text, &names)?;
        Formula { text: text.to_owned(), root }.value(&values)
    }

    #[test]
    fn operators_bind_as_in_expr_lang() {
        let table: &[(&str, f64)] = &[
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("2 ** 3 ** 2", 512.0),
            ("-2 ** 2", -4.0),
            ("7 / 2", 3.5),
            ("7 % 3 + 1", 2.0),
            ("b ?? 4 * 2", 8.0),
            ("a > 2 && !(a > 5) ? a : 0", 3.0),
            ("a < 2 or not (a == 3) ? 1 : a >= 3 ? 10 : 20", 10.0),
            ("min(a, 1, 2) + max([a, 4]) + abs(-1.5)", 6.5),
            ("round(2.5) + ceil(1.1) + floor(1.9) + int(a)", 9.0),
            ("sum([a, 1]) + mean([a, 1]) + median([1, a, 9]) + len([1])", 10.0),
            ("count([a, 1, 0.5], # > 1)", 1.0),
            ("sum([a, 1], {# * 2})", 8.0),
            ("any([a, 1], {# > 2}) and none([1], {# > 2}) and all([a], {# > 2}) ? 1 : 0", 1.0),
            ("1_000 + 1e3 + .5", 2000.5),
            ("b == nil ? 5 : 6", 5.0),
        ];
        for (text, expected) in table {
            assert_eq!(value(text), Ok(*expected), "{text}");
        }
    }

    #[test]
    fn what_is_outside_is_refused_with_its_place() {
        let table = [
            ("a +", 4, "ends"),
            ("a ? 1", 6, "`:`"),
            ("mx(a, 1)", 1, "did you mean `max`?"),
            ("c + 1", 1, "no trigger"),
            ("a % 2", 3, "whole"),
            ("a && 1 > 0", 3, "truth value"),
            ("b + 1", 3, "nil"),
            ("a > 1", 3, "number"),
            ("1 % 0", 3, "zero"),
            ("a $ 1", 3, "unexpected"),
            ("# + 1", 1, "{...}"),
            ("min()", 1, "at least"),
        ];
        for (text, position, word) in table {
            let error = value(text).expect_err(text);
            assert!(error.position == position && error.message.contains(word), "{text}: {error}");
        }
        assert!(value(&"(".repeat(10_000)).is_err() && value(&"-".repeat(10_000)).is_err());
        assert!(value(&format!("1{}", " ** 1".repeat(10_000))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", almost in "[ab0-9.+*/%(){}#?:,<>=!&| -]{0,40}") {
            let _ = (value(&text), value(&almost));
        }
    }
}
