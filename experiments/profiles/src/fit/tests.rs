//! Laws of the fit: what the closed form makes, the fit finds again.

use super::*;
use crate::Coefficients;

const LAW: Coefficients = Coefficients::from_values([1.2, 5.6, 0.023, 0.02, 4.5e-5, 6e-7, 8.0]);

/// A sweep that obeys `LAW` exactly.
fn sweep(lookahead: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for (input, output) in [(64.0, 1024.0), (256.0, 256.0), (1024.0, 1024.0), (4096.0, 256.0)] {
        for running in [0.0, 4.0, 12.0, 30.0, 50.0] {
            let mut row = Row {
                input: Length::uniform(0.5 * input, 1.5 * input),
                output: Length::uniform(0.5 * output, 1.5 * output),
                arrival: if running == 0.0 { Arrival::Synchronous } else { Arrival::Constant },
                rate: 1.0,
                itl_ms: 1.0,
                ttft_ms: None,
                truncated: false,
                model: "m".to_owned(),
                gpu: "g".to_owned(),
                tensor_parallel: None,
            };
            if running == 0.0 {
                let alone = idle(&LAW, &Load::of(&row, 8192.0, 0.0));
                (row.itl_ms, row.ttft_ms, row.rate) = (alone.itl_ms, Some(alone.ttft_ms), 1e-3);
            } else {
                // The rate that keeps so many running.
                for _ in 0..60 {
                    let seen = steady(&LAW, &Load::of(&row, 8192.0, f64::from(lookahead)), running);
                    (row.itl_ms, row.ttft_ms) = (seen.itl_ms, Some(seen.ttft_ms));
                    row.rate = 0.5 * row.rate + 0.5 * running * 1e3 / (output - 1.0) / seen.itl_ms;
                }
            }
            rows.push(row);
        }
    }
    rows
}

#[test]
fn a_sweep_gives_its_coefficients_back() {
    for lookahead in [0, 1] {
        let settings = Settings { batched_tokens: 8192, lookahead: Lookahead::Better, prior: None };
        let fit = fit(&sweep(lookahead), &settings).unwrap();
        assert_eq!(fit.lookahead, lookahead);
        let pairs = Coefficients::SYMBOLS.iter().zip(fit.coefficients.values().into_iter().zip(LAW.values()));
        for (symbol, (found, true_value)) in pairs {
            assert!(
                (found / true_value - 1.0).abs() < 0.02,
                "{symbol}: {found} for {true_value}: {:?}",
                fit.coefficients
            );
        }
        assert!(fit.residuals.iter().all(|band| band.itl_percent <= 0.1), "{:?}", fit.residuals);
    }
}

#[test]
fn a_prior_stands_in_for_missing_rows() {
    let settings = Settings { batched_tokens: 8192, lookahead: Lookahead::Steps(0), prior: Some(LAW) };
    let fit = fit(&sweep(0)[..2], &settings).unwrap();
    for (found, prior) in fit.coefficients.values().into_iter().zip(LAW.values()) {
        assert!((found / prior - 1.0).abs() < 1e-3);
    }
}

#[test]
fn too_few_rows_are_refused() {
    let settings = Settings { batched_tokens: 8192, lookahead: Lookahead::Better, prior: None };
    let mut rows = sweep(0)[..8].to_vec();
    rows.iter_mut().take(3).for_each(|row| row.truncated = true);
    assert_eq!(fit(&rows, &settings), Err(FitError::TooFew { usable: 5, needed: 7, truncated: 3 }));
}

#[test]
fn a_light_load_waits_for_half_an_iteration_and_one_more_with_lookahead() {
    let row = &sweep(0)[7];
    let at = |lookahead| steady(&LAW, &Load::of(row, 8192.0, lookahead), 12.0);
    let (none, one) = (at(0.0), at(1.0));
    assert!((one.ttft_ms - none.ttft_ms - none.itl_ms).abs() < 0.01 * none.itl_ms, "{none:?} {one:?}");
    assert_eq!(none.itl_ms, one.itl_ms);
}
