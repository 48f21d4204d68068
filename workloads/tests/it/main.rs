//! The tests of the sources, in one program: each file is a topic.

mod reference;
mod spot_market;
mod spot_reference;
mod synthetic;
