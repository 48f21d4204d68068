//! Parts of the program's own that a scenario names: policies behind ports, generators of traffic.
//!
//! A part is one file: how it is written (a struct), what the list of policies says of it, its defaults
//! with their sources, and how it is made. The list of its port, made with [`parts!`], names it once; the
//! schema, the reference, `--print-resolved` and the list of policies follow from there.

use crate::settings::Notes;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::PolicyInfo;

/// Where a part stands that leans on nothing else: the place of most ports.
pub(crate) struct Field<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    /// Its path in the scenario.
    pub(crate) path: String,
}

/// Where parts are taken in: what they lean on, and what is made of them.
pub(crate) trait Port {
    /// What a part leans on.
    type Place<'n, 'd: 'n>;
    /// What is made of it.
    type Made;
}

/// A part behind a port.
pub(crate) trait Part<P: Port> {
    /// The policies that it may stand for; none if it stands for those of others.
    const POLICIES: &'static [PolicyInfo] = &[];

    /// Takes defaults where nothing is given, notes them, and makes the part.
    ///
    /// # Errors
    /// What cannot be, at its place in the scenario.
    fn make(&self, place: &mut P::Place<'_, '_>) -> Result<P::Made, Diagnostic>;
}

/// The parts of a port: those without settings are written by their name alone.
///
/// Each entry is the module and the name of a type that is [`Part`] of the port. What has no settings must
/// be `Default`. With `all as f: Trait` at the end, `f` shows any part with settings as that trait.
macro_rules! parts {
    (
        $(#[$about:meta])*
        pub enum $name:ident: $port:ty {
            alone {}
            with settings { $($(#[$part_about:meta])* $module:ident::$part:ident,)* }
            all as $method:ident: $common:path
        }
    ) => {
        $crate::part::parts! { @form $(#[$about])* $name $port {} { $($(#[$part_about])* $module::$part,)* } }

        impl $name {
            /// What all of them have.
            pub(crate) fn $method(&self) -> &dyn $common {
                match self {
                    $($name::$part(part) => part,)*
                }
            }
        }
    };
    (
        $(#[$about:meta])*
        pub enum $name:ident: $port:ty {
            alone { $($(#[$bare_about:meta])* $bare_module:ident::$bare:ident,)* }
            with settings { $($(#[$part_about:meta])* $module:ident::$part:ident,)* }
        }
    ) => {
        $crate::part::parts! {
            @form $(#[$about])* $name $port
            { $($(#[$bare_about])* $bare_module::$bare,)* } { $($(#[$part_about])* $module::$part,)* }
        }

        impl $name {
            /// All policies behind the port.
            pub(crate) const POLICIES: &'static [&'static [flashcrowd_policies::PolicyInfo]] = &[
                $(<$bare_module::$bare as $crate::part::Part<$port>>::POLICIES,)*
                $(<$module::$part as $crate::part::Part<$port>>::POLICIES,)*
            ];
        }
    };
    // How they are written, and how what is written is made.
    (
        @form $(#[$about:meta])* $name:ident $port:ty
        { $($(#[$bare_about:meta])* $bare_module:ident::$bare:ident,)* }
        { $($(#[$part_about:meta])* $module:ident::$part:ident,)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[allow(clippy::large_enum_variant, reason = "a scenario has few of them")]
        pub enum $name {
            $($(#[$bare_about])* $bare,)*
            $($(#[$part_about])* $part($module::$part),)*
        }

        impl $name {
            /// Makes the part that is meant.
            pub(crate) fn make(
                &self,
                place: &mut <$port as $crate::part::Port>::Place<'_, '_>,
            ) -> Result<<$port as $crate::part::Port>::Made, flashcrowd_language::Diagnostic> {
                match self {
                    $($name::$bare => $crate::part::Part::<$port>::make(&$bare_module::$bare::default(), place),)*
                    $($name::$part(part) => $crate::part::Part::<$port>::make(part, place),)*
                }
            }
        }
    };
}

pub(crate) use parts;
