//! A serde deserializer over the tree, so that schema types only derive `Deserialize`.
//!
//! Enums are externally tagged; the fields of a newtype variant's struct may stand directly in
//! the variant's parentheses; `Option` is implicit; numbers are checked against their exact type.

use super::access::{EnumNode, Fields, Items, MapEntries};
use super::fault::Fault;
use super::tree::{Node, Place, Value};
use serde::Deserializer;
use serde::de::Visitor;
use std::borrow::Cow;

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'de> {
    node: &'de Node,
    /// The variant whose parentheses this node's content stands in: the node's name is then the
    /// variant's, not that of a struct.
    variant: Option<&'de str>,
}

type Result<T> = std::result::Result<T, Fault>;

impl<'de> NodeDeserializer<'de> {
    pub(super) fn new(node: &'de Node) -> Self {
        NodeDeserializer { node, variant: None }
    }

    /// The content of `variant`, whose parentheses are those of `node`.
    pub(super) fn content(node: &'de Node, variant: &'de str) -> Self {
        NodeDeserializer { node, variant: Some(variant) }
    }

    fn place(self) -> Place {
        self.node.place
    }

    fn expected(self, what: &str) -> Fault {
        Fault::new(self.place(), format!("expected {what}, found {}", self.node.value.describe()))
    }

    fn needs_content(self) -> Fault {
        let name = self.variant.unwrap_or_default();
        Fault::new(self.place(), format!("`{name}` needs one value in parentheses"))
    }

    /// How messages call the struct that is read here.
    fn called(self, name: &str) -> String {
        match self.variant {
            Some(variant) => format!("`{variant}`"),
            None => spoken(name),
        }
    }

    fn integer<T: TryFrom<i128>>(self, low: i128, high: i128) -> Result<T> {
        let Value::Number(text) = &self.node.value else {
            return Err(self.hint_number(self.expected("a whole number")));
        };
        match whole(text) {
            Some(number) => T::try_from(number).map_err(|_| self.out_of_range(low, high)),
            None if is_whole(text) => Err(self.out_of_range(low, high)),
            None => Err(self.expected("a whole number")),
        }
    }

    fn out_of_range(self, low: i128, high: i128) -> Fault {
        let shown = self.node.value.describe();
        Fault::new(self.place(), format!("{shown} is out of range")).label(format!("expected {low} to {high}"))
    }

    fn float(self) -> Result<f64> {
        let Value::Number(text) = &self.node.value else {
            return Err(self.hint_number(self.expected("a number")));
        };
        let number = whole(text).map(|whole| whole as f64).or_else(|| text.replace('_', "").parse().ok());
        match number {
            Some(number) if number.is_finite() => Ok(number),
            Some(_) if text.contains("inf") || text.contains("NaN") => Err(self.expected("a finite number")),
            _ => Err(Fault::new(self.place(), format!("{} is too large", self.node.value.describe()))),
        }
    }

    fn hint_number(self, fault: Fault) -> Fault {
        match &self.node.value {
            Value::Str(text) if whole(text).is_some() || text.parse::<f64>().is_ok() => {
                fault.help(format!("write {text} without quotes"))
            }
            _ => fault,
        }
    }

    /// The text of a bare word in an override: `--set path=FILE` needs no quotes.
    fn bare_text(self) -> Option<Cow<'de, str>> {
        if !self.place().is_override() || self.variant.is_some() {
            return None;
        }
        match &self.node.value {
            Value::Ident(text) | Value::Number(text) => Some(Cow::Borrowed(text)),
            Value::Bool(value) => Some(Cow::Owned(value.to_string())),
            _ => None,
        }
    }

    fn visit_number<V: Visitor<'de>>(self, text: &str, visitor: V) -> Result<V::Value> {
        match whole(text) {
            Some(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_f64(self.float()?),
            },
            None => visitor.visit_f64(self.float()?),
        }
    }

    fn visit_as_written<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let anonymous = self.variant.is_some();
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => self.visit_number(text, visitor),
            Value::Char(value) => visitor.visit_char(*value),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visit_items(items, visitor),
            Value::Map(entries) => visitor.visit_map(MapEntries::new(entries)),
            Value::Struct { name, fields } if name.is_none() || anonymous => {
                visitor.visit_map(Fields::new(fields, "this struct"))
            }
            Value::Tuple { name, items } if name.is_none() || anonymous => visit_items(items, visitor),
            Value::Ident(_) if anonymous => Err(self.needs_content()),
            Value::Ident(name) if name == "None" => visitor.visit_none(),
            Value::Ident(_) | Value::Struct { .. } | Value::Tuple { .. } => {
                visitor.visit_enum(EnumNode::new(self.node).ok_or_else(|| self.expected("a name"))?)
            }
        }
    }

    fn visit_struct<V: Visitor<'de>>(self, name: &str, fields: &[&str], visitor: V) -> Result<V::Value> {
        let context = self.called(name);
        let given = self.node.value.name().filter(|_| self.variant.is_none());
        if given.is_some_and(|given| given != name) {
            return Err(self.expected(&context).help(fields_help(fields)));
        }
        match &self.node.value {
            Value::Struct { fields, .. } => visitor.visit_map(Fields::new(fields, &context)),
            Value::Tuple { items, .. } if items.is_empty() => visitor.visit_map(Fields::new(&[], &context)),
            // A struct written by its name alone, or a variant without parentheses.
            Value::Ident(_) => visitor.visit_map(Fields::new(&[], &context)),
            Value::Map(_) => {
                Err(self.expected(&context).help("a struct is written `(field: value)`, without quotes around names"))
            }
            _ => Err(self.expected(&context).help(fields_help(fields))),
        }
        .map_err(|fault| fault.inside(&context))
    }

    fn visit_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::Tuple { name, items } if name.is_none() || self.variant.is_some() => {
                if items.len() == length {
                    return visit_items(items, visitor);
                }
                // `A((1, 2))` for a variant whose payload is one tuple.
                if let ([only], Some(_)) = (items.as_slice(), self.variant) {
                    return NodeDeserializer::new(only).visit_tuple(length, visitor);
                }
                Err(Fault::new(self.place(), format!("expected {length} values, found {}", items.len())))
            }
            _ => Err(self.expected(&format!("a tuple of {length} values"))),
        }
    }
}

/// `Pool` and `ColdStart` are spoken of as "pool" and "cold start".
fn spoken(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_uppercase() && index > 0 {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

fn fields_help(fields: &[&str]) -> String {
    let names: Vec<String> = fields.iter().take(6).map(|name| format!("{name}: ...")).collect();
    format!("write `({}{})`", names.join(", "), if fields.len() > 6 { ", ..." } else { "" })
}

fn visit_items<'de, V: Visitor<'de>>(items: &'de [Node], visitor: V) -> Result<V::Value> {
    let mut access = Items::new(items);
    let value = visitor.visit_seq(&mut access)?;
    access.finish()?;
    Ok(value)
}

/// The whole number that `text` is, if it fits.
fn whole(text: &str) -> Option<i128> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let radix = [("0x", 16), ("0b", 2), ("0o", 8)].into_iter().find(|(prefix, _)| digits.starts_with(prefix));
    let (digits, radix) = radix.map_or((digits, 10), |(prefix, radix)| (&digits[prefix.len()..], radix));
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(|number| sign * number)
}

/// Whether `text` is a whole number of any size.
fn is_whole(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.starts_with("0x") || !digits.contains(|c: char| !c.is_ascii_digit() && c != '_')
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let number = self.integer::<$type>(<$type>::MIN.into(), <$type>::MAX.into())?;
            visitor.$visit(number).map_err(|fault: Fault| fault.or_at(self.place()))
        })*
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'de> {
    type Error = Fault;

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.visit_as_written(visitor).map_err(|fault| fault.or_at(self.place()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value).map_err(|fault: Fault| fault.or_at(self.place())),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.float()?).map_err(|fault: Fault| fault.or_at(self.place()))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match (self.bare_text(), &self.node.value) {
            (Some(text), _) => visitor.visit_str(&text),
            (None, Value::Ident(_)) if self.variant.is_some() => return Err(self.needs_content()),
            (None, Value::Ident(name)) => {
                return Err(self.expected("a string").help(format!("write it in quotes: \"{name}\"")));
            }
            _ => self.visit_as_written(visitor),
        }
        .map_err(|fault: Fault| fault.or_at(self.place()))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::Ident(name) if name == "None" && self.variant.is_none() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|fault: Fault| fault.or_at(self.place()))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::Tuple { items, .. } if items.is_empty() => visitor.visit_unit(),
            Value::Ident(_) if self.variant.is_some() => visitor.visit_unit(),
            _ => Err(self.expected("`()`")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if self.node.value == Value::Ident(name.to_owned()) {
            return visitor.visit_unit();
        }
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self).map_err(|fault: Fault| fault.or_at(self.place()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::List(items) => visit_items(items, visitor).map_err(|fault| fault.or_at(self.place())),
            _ => Err(self.expected("a list `[...]`")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.visit_tuple(length, visitor).map_err(|fault| fault.or_at(self.place()))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.node.value {
            Value::Map(entries) => {
                visitor.visit_map(MapEntries::new(entries)).map_err(|fault: Fault| fault.or_at(self.place()))
            }
            _ => Err(self.expected("a map").help("a map is written `{\"name\": value}`")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        // `Trace((path: ...))`: the struct stands in parentheses of its own.
        if let (Some(variant), Value::Tuple { items, .. }) = (self.variant, &self.node.value)
            && let [only] = items.as_slice()
        {
            let inner = NodeDeserializer { node: only, variant: only.value.name().is_none().then_some(variant) };
            return inner.deserialize_struct(name, fields, visitor);
        }
        self.visit_struct(name, fields, visitor).map_err(|fault| fault.or_at(self.place()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        // The name is that of the variant around: reading it again would never end.
        if self.variant.is_some() {
            return Err(self.needs_content());
        }
        let Some(access) = EnumNode::new(self.node) else {
            let fault = self.expected(&super::nearest::list(variants.iter().copied()));
            return Err(match &self.node.value {
                Value::Str(text) if variants.contains(&text.as_str()) => fault.help("write it without quotes"),
                _ => fault,
            });
        };
        visitor.visit_enum(access.of_kind(spoken(name))).map_err(|fault: Fault| fault.or_at(self.place()))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { char bytes byte_buf i128 u128 }
}
