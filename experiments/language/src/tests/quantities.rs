//! Units and laws.

use super::super::distribution::DISTRIBUTIONS;
use super::super::list;
use super::super::units::{ByteRate, ByteSize, Duration, Fraction, Positive, Price, Rate};
use super::*;
use proptest::prelude::*;

fn value<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T, String> {
    document.deserialize().map_err(|error| error.to_string())
}

fn parsed<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, String> {
    value(&Document::parse("s.ron", text).map_err(|error| error.to_string())?)
}

#[test]
fn durations_are_exact() {
    for (text, ps) in [
        ("15s", 15_000_000_000_000),
        ("4m10s", 250_000_000_000_000),
        ("1h 30m", 5_400_000_000_000_000),
        ("0.1s", 100_000_000_000),
        ("500ns", 500_000),
        ("10us", 10_000_000),
        ("2d", 172_800_000_000_000_000),
        ("0.000000000001s", 1),
        ("0s", 0),
        ("1.5h", 5_400_000_000_000_000),
        ("18446744073709551615ps", u64::MAX),
    ] {
        assert_eq!(text.parse::<Duration>().map(|span| span.get().as_ps()), Ok(ps), "{text}");
    }
}

#[test]
fn nonsense_quantities_say_what_to_write() {
    let durations = ["", "s", "-1s", "15", "1e3s", "10s4m", "4m4m", "214d", "0.5ps", "NaN", "1..5s", "5 sec", "9e999s"];
    assert!(durations.iter().all(|text| text.parse::<Duration>().is_err()));
    for (error, expected) in [
        (parsed::<Duration>("15").map(|_| ()), "help: write \"15s\", \"250ms\""),
        (parsed::<Duration>("\"5sec\"").map(|_| ()), "did you mean `s`?"),
        (parsed::<Duration>("\"15\"").map(|_| ()), "has no unit at its end"),
        (parsed::<Duration>("\"1000000d\"").map(|_| ()), "simulated time ends at 213 days"),
        (parsed::<Duration>("true").map(|_| ()), "expected a duration such as"),
        (parsed::<ByteSize>("\"80Gi\"").map(|_| ()), "did you mean `GiB`?"),
        (parsed::<ByteSize>("80").map(|_| ()), "`80` has no unit"),
        (parsed::<ByteSize>("\"99999PiB\"").map(|_| ()), "passes 2^64"),
        (parsed::<ByteRate>("\"1GB\"").map(|_| ()), "bytes per second"),
        (parsed::<Price>("2.99").map(|_| ()), "write \"2.99/h\""),
        (parsed::<Price>("\"2.99/d\"").map(|_| ()), "prices are per hour"),
        (parsed::<Price>("\"-1/h\"").map(|_| ()), "is negative"),
        (parsed::<Price>("\"1e9/h\"").map(|_| ()), "is not dollars per hour"),
        (parsed::<Rate>("-1").map(|_| ()), "is no rate"),
        (parsed::<Rate>("\"40\"").map(|_| ()), "help: write 40"),
        (parsed::<Rate>("\"NaN/s\"").map(|_| ()), "is no rate"),
        (parsed::<Rate>("1e13").map(|_| ()), "is no rate"),
        (parsed::<Positive>("0").map(|_| ()), "expected a number above 0, found `0`"),
        (parsed::<Fraction>("1.01").map(|_| ()), "expected a number from 0 to 1, found `1.01`"),
    ] {
        let report = error.expect_err(expected);
        assert!(report.contains(expected), "{expected}\n{report}");
    }
}

#[test]
fn sizes_prices_and_rates_are_read_and_printed() {
    assert_eq!("80GiB".parse::<ByteSize>().unwrap().get().0, 80 << 30);
    assert_eq!("0.5GB/s".parse::<ByteRate>().unwrap().bytes_per_s(), 500_000_000);
    assert_eq!("0.5GB/s".parse::<ByteRate>().unwrap().to_string(), "500MB/s");
    assert_eq!("$2.99/h".parse::<Price>().unwrap().to_string(), "2.99/h");
    assert_eq!(parsed::<Rate>("40").unwrap().per_s(), 40.0);
    assert_eq!(parsed::<Rate>("\"600/min\"").unwrap().per_s(), 10.0);
    assert_eq!(parsed::<Rate>("\"2400000/h\"").unwrap().to_string(), "666.6666666666666/s");
}

#[test]
fn laws_are_read_in_every_notation() {
    for (text, mean) in [
        ("\"20s\"", 20.0),
        ("Exponential(mean: \"1s\")", 1.0),
        ("LogNormal(mean: \"1s\", cv: 2.0)", 1.0),
        ("LogNormal(median: \"1s\", sigma: 0.0)", 1.0),
        ("Uniform(low: \"1s\", high: \"3s\")", 2.0),
        ("Gamma(mean: \"5s\", cv: 2)", 5.0),
        ("Weibull(shape: 1, scale: \"3s\")", 3.0),
        ("Hyperexponential(p: 0.5, mean_a: \"1s\", mean_b: \"3s\")", 2.0),
        ("Hyperexponential(mean: \"4s\", cv: 3)", 4.0),
    ] {
        let law: DurationDistribution = parsed(text).unwrap();
        assert!((law.distribution().mean() - mean).abs() < 1e-9, "{text}");
        let sizes = text.replace("s\"", "").replace('"', "");
        assert!((parsed::<SizeDistribution>(&sizes).unwrap().distribution().mean() - mean).abs() < 1e-9, "{sizes}");
    }
    let law: DurationDistribution = parsed("LogNormal(p50: \"18s\", p99: \"41s\")").unwrap();
    assert_eq!(serde_json::to_string(&law).unwrap(), r#"{"LogNormal":{"p50":"18s","p99":"41s"}}"#);
    assert_eq!(serde_json::to_string(&parsed::<DurationDistribution>("\"20s\"").unwrap()).unwrap(), "\"20s\"");
}

#[test]
fn the_names_of_distributions_are_those_that_are_read() {
    let report = parsed::<DurationDistribution>("Pareto(mean: \"1s\")").unwrap_err();
    assert!(report.ends_with(&format!("expected {}", list(DISTRIBUTIONS))), "{report}");
}

#[test]
fn wrong_laws_are_explained() {
    for (text, expected) in [
        ("LogNormal(p50: \"41s\", p99: \"18s\")", "p99 is below p50"),
        ("LogNormal(p50: \"41s\")", "by p50 and p99, by mean and cv, or by median and sigma"),
        ("LogNormal(p50: \"0s\", p99: \"1s\")", "the median or mean must be finite and above zero"),
        ("LogNormal(p50: 3, p99: \"1s\")", "`3` has no unit"),
        ("LogNormal(mdian: \"3s\")", "did you mean `median`?"),
        ("Lognormal(mean: \"3s\", cv: 1)", "did you mean `LogNormal`?"),
        ("Gamma(mean: \"3s\", cv: -1)", "expected a number above 0"),
        ("Uniform(low: \"3s\", high: \"1s\")", "low must be not negative and at most high"),
        ("Hyperexponential(mean: \"3s\", cv: 0.5)", "at least 1"),
        ("20", "`20` has no unit"),
        ("[]", "expected \"20s\" or a distribution such as Exponential(mean: \"20s\")"),
        ("LogNormal(median: \"1s\", sigma: 1e200)", "no finite mean"),
    ] {
        let report = parsed::<DurationDistribution>(text).expect_err(text);
        assert!(report.contains(expected), "{text}\n{report}");
    }
    assert!(parsed::<SizeDistribution>("-3").unwrap_err().contains("not negative"));
    assert!(parsed::<SizeDistribution>("\"3s\"").unwrap_err().contains("expected a number, found string \"3s\""));
}

proptest! {
    #[test]
    fn durations_print_what_they_read(ps in prop_oneof![any::<u64>(), 0..1_000_000_u64, (0..1_000_000_u64).prop_map(|ms| ms * 1_000_000_000)]) {
        let span = Duration(flashcrowd_core::SimDuration::from_ps(ps));
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn sizes_and_prices_print_what_they_read(bytes in any::<u64>()) {
        let price = Price(flashcrowd_core::units::PicoUsdPerHour(bytes));
        prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        prop_assert_eq!(price.to_string().parse(), Ok(price));
    }

    #[test]
    fn no_text_makes_a_quantity_panic(text in "[0-9._eE/$+-]{0,40}[a-zA-Z µ/]{0,8}[0-9.]{0,4}[a-z]{0,3}") {
        let _ = text.parse::<Duration>();
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<ByteRate>();
        let _ = text.parse::<Price>();
        let _ = text.parse::<Rate>();
    }
}
