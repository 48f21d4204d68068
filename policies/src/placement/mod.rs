//! On which of the nodes with room a group of GPUs goes: policies of the
//! [`Placement`](flashcrowd_core::ports::Placement) port.

mod best;
mod pack;
mod spread;

pub use pack::Pack;
pub use spread::Spread;

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::ports::{Fit, Placement};

    #[test]
    fn spread_takes_the_emptiest_node_and_pack_the_fullest() {
        let fit = |node, free_gpus, related| Fit { node, free_gpus, gpus: 8, related };
        let fits = [fit(3, 4, 0), fit(5, 8, 1), fit(7, 8, 0), fit(9, 1, 0)];
        assert_eq!((Spread.choose(&fits), Pack.choose(&fits)), (2, 3));
    }
}
