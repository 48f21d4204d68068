//! A policy that is made anew for each run: so what a run is made of can be copied, and policies keep state.

use super::Router;
use std::fmt;
use std::sync::Arc;

/// Makes a policy of a port, by a name for people.
///
/// ```
/// use flashcrowd_core::clock::Stream;
/// use flashcrowd_core::ports::{Maker, Router};
///
/// #[derive(Clone)]
/// struct First;
///
/// impl Router for First {
///     fn route(&mut self, _: &[u32], _: &mut Stream) -> usize {
///         0
///     }
/// }
///
/// let router = Maker::of("first", First);
/// assert_eq!(format!("{:?}", router.clone()), "first");
/// let _policy = router.make();
/// ```
pub struct Maker<T: ?Sized> {
    name: Arc<str>,
    make: Arc<dyn Fn() -> Box<T> + Send + Sync>,
}

impl<T: ?Sized> Maker<T> {
    /// What `make` makes, under that name.
    pub fn new(name: impl Into<Arc<str>>, make: impl Fn() -> Box<T> + Send + Sync + 'static) -> Self {
        Maker { name: name.into(), make: Arc::new(make) }
    }

    /// A policy that knows nothing yet.
    pub fn make(&self) -> Box<T> {
        (self.make)()
    }
}

impl Maker<dyn Router> {
    /// Copies of a router that has chosen nothing yet.
    pub fn of(name: impl Into<Arc<str>>, router: impl Router + Clone + Sync + 'static) -> Self {
        Maker::new(name, move || -> Box<dyn Router> { Box::new(router.clone()) })
    }
}

impl<T: ?Sized> Clone for Maker<T> {
    fn clone(&self) -> Self {
        Maker { name: Arc::clone(&self.name), make: Arc::clone(&self.make) }
    }
}

impl<T: ?Sized> fmt::Debug for Maker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
