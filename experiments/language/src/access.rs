//! How the deserializer walks fields, map entries, lists and enum variants.

use super::de::NodeDeserializer;
use super::fault::Fault;
use super::tree::{Name, Node, Place, Value};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor};

type Result<T> = std::result::Result<T, Fault>;

/// The fields of a struct.
pub(super) struct Fields<'de, 'c> {
    left: std::slice::Iter<'de, (Name, Node)>,
    value: Option<&'de Node>,
    context: &'c str,
}

impl<'de, 'c> Fields<'de, 'c> {
    pub(super) fn new(fields: &'de [(Name, Node)], context: &'c str) -> Self {
        Fields { left: fields.iter(), value: None, context }
    }
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((name, node)) = self.left.next() else { return Ok(None) };
        self.value = Some(node);
        let key = seed.deserialize(BorrowedStrDeserializer::<Fault>::new(&name.text)).map_err(|mut fault| {
            fault.message = format!("{} in {}", fault.message, self.context);
            fault.or_at(name.place)
        })?;
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        value(self.value.take(), seed)
    }
}

/// The entries of a map.
pub(super) struct MapEntries<'de> {
    left: std::slice::Iter<'de, (Node, Node)>,
    value: Option<&'de Node>,
}

impl<'de> MapEntries<'de> {
    pub(super) fn new(entries: &'de [(Node, Node)]) -> Self {
        MapEntries { left: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for MapEntries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((key, node)) = self.left.next() else { return Ok(None) };
        self.value = Some(node);
        located(seed, key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        value(self.value.take(), seed)
    }
}

fn value<'de, V: DeserializeSeed<'de>>(node: Option<&'de Node>, seed: V) -> Result<V::Value> {
    let node = node.ok_or_else(|| Fault::custom("a value was asked for before its key"))?;
    located(seed, node)
}

/// Reads `node`; an error without a place of its own is reported there.
fn located<'de, S: DeserializeSeed<'de>>(seed: S, node: &'de Node) -> Result<S::Value> {
    seed.deserialize(NodeDeserializer::new(node)).map_err(|fault| fault.or_at(node.place))
}

/// The values of a list or a tuple.
pub(super) struct Items<'de> {
    left: std::slice::Iter<'de, Node>,
}

impl<'de> Items<'de> {
    pub(super) fn new(items: &'de [Node]) -> Self {
        Items { left: items.iter() }
    }

    /// Refuses what the reader did not take.
    pub(super) fn finish(mut self) -> Result<()> {
        match self.left.next() {
            None => Ok(()),
            Some(extra) => Err(Fault::new(extra.place, "this value is one too many")),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        self.left.next().map(|node| located(seed, node)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// An enum variant: a bare name, or a name with parentheses.
pub(super) struct EnumNode<'de> {
    node: &'de Node,
    name: &'de str,
    name_place: Place,
    /// What messages call an unknown name.
    kind: String,
}

impl<'de> EnumNode<'de> {
    /// The variant that `node` writes, if it writes one.
    pub(super) fn new(node: &'de Node) -> Option<Self> {
        let (name, name_place) = match &node.value {
            Value::Ident(name) => (name.as_str(), node.place),
            Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => {
                (name.text.as_str(), name.place)
            }
            _ => return None,
        };
        Some(EnumNode { node, name, name_place, kind: "name".to_owned() })
    }

    /// The same, for an enum that messages call `kind`.
    pub(super) fn of_kind(self, kind: String) -> Self {
        EnumNode { kind, ..self }
    }
}

impl<'de> EnumAccess<'de> for EnumNode<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = BorrowedStrDeserializer::<Fault>::new(self.name);
        let variant = seed.deserialize(name).map_err(|mut fault| {
            fault.message = format!("unknown {} `{}`", self.kind, self.name);
            fault.or_at(self.name_place)
        })?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for EnumNode<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<()> {
        match &self.node.value {
            Value::Ident(_) => Ok(()),
            Value::Tuple { items, .. } if items.is_empty() => Ok(()),
            _ => Err(Fault::new(self.node.place, format!("`{}` takes no values", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        let content = match &self.node.value {
            Value::Tuple { items, .. } if items.len() == 1 && !stands_alone(&items[0]) => {
                return located(seed, &items[0]);
            }
            _ => NodeDeserializer::content(self.node, self.name),
        };
        seed.deserialize(content).map_err(|fault| fault.or_at(self.node.place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        use serde::Deserializer as _;
        NodeDeserializer::content(self.node, self.name).deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        use serde::Deserializer as _;
        NodeDeserializer::content(self.node, self.name).deserialize_struct("", fields, visitor)
    }
}

/// Whether a variant's only value is an anonymous struct: it is then read in the variant's name,
/// so that messages call it by that.
fn stands_alone(node: &Node) -> bool {
    matches!(node.value, Value::Struct { name: None, .. })
}
