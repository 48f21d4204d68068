//! Plots of simulated against measured values as SVG text: a file for each source and profile, a
//! panel for each metric.

use crate::report::Report;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A panel's side and margins, pixels.
const SIDE: f64 = 250.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 34.0;
const GAP: f64 = 36.0;
/// Panels in a row.
const COLUMNS: usize = 3;
/// Height of the legend.
const LEGEND: f64 = 56.0;

/// Width that the legend needs.
const LEAST_WIDTH: f64 = 640.0;

/// Colours by band, chosen so that colour-blind readers can tell them apart.
const COLOURS: [(&str, &str); 10] = [
    ("sync", "#999999"),
    ("le76", "#0072b2"),
    ("88", "#e69f00"),
    ("100", "#d55e00"),
    ("closed", "#009e73"),
    ("batch", "#56b4e9"),
    ("overload", "#cc79a7"),
    ("unrated", "#000000"),
    ("offline", "#0072b2"),
    ("online", "#e69f00"),
];

/// One value.
struct Dot<'a> {
    model: &'a str,
    band: &'a str,
    measured: f64,
    simulated: f64,
}

/// Dots by metric.
type Panels<'a> = BTreeMap<&'a str, Vec<Dot<'a>>>;

/// The plots of a report: file names and texts.
pub(crate) fn plots(report: &Report) -> Vec<(String, String)> {
    let mut files: BTreeMap<(&str, &str), Panels<'_>> = BTreeMap::new();
    for point in &report.points {
        let text = |key: &str| point.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| point.get(key).and_then(Value::as_f64).unwrap_or_default();
        let (measured, simulated) = (number("measured"), number("simulated"));
        if measured > 0.0 && simulated > 0.0 {
            let dot = Dot { model: text("model"), band: text("band"), measured, simulated };
            let panels = files.entry((text("source"), text("profile"))).or_default();
            panels.entry(text("metric")).or_default().push(dot);
        }
    }
    for panels in files.values_mut() {
        let most = panels.values().map(Vec::len).max().unwrap_or_default();
        // A panel with one or two values is useless beside full ones.
        panels.retain(|_, dots| dots.len() > 2 || most <= 2);
    }
    let file = |((source, profile), panels): (&(&str, &str), &Panels<'_>)| {
        (format!("{source}-{profile}.svg"), svg(&format!("{source}, {profile} profile"), panels))
    };
    files.iter().map(file).collect()
}

fn svg(title: &str, panels: &Panels<'_>) -> String {
    let columns = panels.len().min(COLUMNS);
    let rows = panels.len().div_ceil(COLUMNS);
    let width = (columns as f64 * (SIDE + LEFT) + GAP).max(LEAST_WIDTH);
    let height = LEGEND + rows as f64 * (SIDE + TOP + GAP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text.push_str(&style());
    let models = models(panels);
    legend(&mut text, title, panels, &models);
    for (index, (metric, dots)) in panels.iter().enumerate() {
        let x = LEFT + (index % COLUMNS) as f64 * (SIDE + LEFT);
        let y = LEGEND + TOP + (index / COLUMNS) as f64 * (SIDE + TOP + GAP);
        let _ = writeln!(text, "<g transform=\"translate({x:.0} {y:.0})\">");
        panel(&mut text, metric, dots, &models);
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

/// One class a band: short marks make small files.
fn style() -> String {
    let of = |(index, (_, colour)): (usize, &(&str, &str))| {
        format!(".b{index}{{fill:{colour};fill-opacity:.55;stroke:{colour}}}")
    };
    format!("<style>{}.m{{fill:#ccc;stroke:#555}}</style>\n", COLOURS.iter().enumerate().map(of).collect::<String>())
}

/// All models, in order of their names; few enough of them have a mark each.
fn models<'a>(panels: &Panels<'a>) -> Vec<&'a str> {
    let mut models: Vec<&str> = panels.values().flatten().map(|dot| dot.model).collect();
    models.sort_unstable();
    models.dedup();
    models
}

/// Marks: circle, square, diamond, triangle.
const MARKS: usize = 4;

fn legend(text: &mut String, title: &str, panels: &Panels<'_>, models: &[&str]) {
    let _ = writeln!(
        text,
        "<text x=\"14\" y=\"20\" font-size=\"14\">{}: simulated against measured</text>",
        escaped(title)
    );
    let bands = COLOURS.iter().enumerate();
    let bands = bands.filter(|(_, (band, _))| panels.values().flatten().any(|dot| dot.band == *band));
    let mut x = 14.0;
    for (index, (band, _)) in bands {
        let _ = writeln!(
            text,
            "<circle cx=\"{x:.0}\" cy=\"38\" r=\"4\" class=\"b{index}\"/><text x=\"{:.0}\" y=\"42\">{band}</text>",
            x + 8.0
        );
        x += 26.0 + 7.0 * band.len() as f64;
    }
    x += 10.0;
    if models.len() <= MARKS {
        for (index, model) in models.iter().enumerate() {
            mark(text, index, x, 38.0, "m");
            let _ = writeln!(text, "<text x=\"{:.0}\" y=\"42\">{}</text>", x + 8.0, escaped(model));
            x += 26.0 + 7.0 * model.len() as f64;
        }
    }
    let _ = writeln!(text, "<text x=\"{x:.0}\" y=\"42\" fill=\"#777777\">dashed: 10 % off</text>");
}

/// The ends of both axes as powers of ten, wide enough for all dots.
fn range(dots: &[Dot<'_>]) -> (f64, f64) {
    let values = dots.iter().flat_map(|dot| [dot.measured.log10(), dot.simulated.log10()]);
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let margin = 0.05 * (high - low).max(0.2);
    (low - margin, high + margin)
}

fn panel(text: &mut String, metric: &str, dots: &[Dot<'_>], models: &[&str]) {
    let is_time = ["e2e_", "itl_", "tpot_", "ttft_"].iter().any(|start| metric.starts_with(start));
    let unit = if is_time { ", ms" } else { "" };
    let (low, high) = range(dots);
    let at = |log: f64| SIDE * (log - low) / (high - low);
    let _ = writeln!(
        text,
        "<text x=\"{:.0}\" y=\"-8\" text-anchor=\"middle\" font-weight=\"bold\">{metric}</text>",
        SIDE / 2.0
    );
    let _ = writeln!(text, "<rect width=\"{SIDE:.0}\" height=\"{SIDE:.0}\" fill=\"none\" stroke=\"#444444\"/>");
    for tick in ticks(low, high) {
        let (x, y) = (at(tick.log10()), SIDE - at(tick.log10()));
        let label = label(tick);
        let _ = writeln!(
            text,
            "<path d=\"M{x:.1} 0V{SIDE:.0}M0 {y:.1}H{SIDE:.0}\" stroke=\"#e4e4e4\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>\
             <text x=\"-5\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            SIDE + 14.0,
            y + 4.0
        );
    }
    for (offset, dashes) in
        [(0.0, ""), (1.1_f64.log10(), " stroke-dasharray=\"4 3\""), (0.9_f64.log10(), " stroke-dasharray=\"4 3\"")]
    {
        line(text, at, (low, high), offset, dashes);
    }
    let _ = writeln!(
        text,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#777777\">measured{unit}</text>",
        SIDE / 2.0,
        SIDE + 28.0
    );
    for dot in dots {
        let index = models.iter().position(|model| *model == dot.model).filter(|_| models.len() <= MARKS);
        let band = COLOURS.iter().position(|(band, _)| *band == dot.band).unwrap_or_default();
        mark(text, index.unwrap_or(0), at(dot.measured.log10()), SIDE - at(dot.simulated.log10()), &format!("b{band}"));
    }
}

/// The line where simulated is 10^offset times measured, cut at the frame.
fn line(text: &mut String, at: impl Fn(f64) -> f64, (low, high): (f64, f64), offset: f64, dashes: &str) {
    let (from, to) = (low.max(low - offset), high.min(high - offset));
    if from < to {
        let (x1, y1, x2, y2) = (at(from), SIDE - at(from + offset), at(to), SIDE - at(to + offset));
        let _ = writeln!(text, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"#888888\"{dashes}/>");
    }
}

fn mark(text: &mut String, index: usize, x: f64, y: f64, class: &str) {
    let _ = match index % MARKS {
        0 => writeln!(text, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"),
        1 => writeln!(text, "<path class=\"{class}\" d=\"M{:.1} {:.1}h6v6h-6z\"/>", x - 3.0, y - 3.0),
        2 => writeln!(text, "<path class=\"{class}\" d=\"M{x:.1} {:.1}l4 4l-4 4l-4 -4z\"/>", y - 4.0),
        _ => writeln!(text, "<path class=\"{class}\" d=\"M{x:.1} {:.1}l4 7h-8z\"/>", y - 4.0),
    };
}

/// Round values between the ends: 1, 2 and 5 of each power of ten, or 1 only where that is many.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    const MOST_DECADES: f64 = 2.5;
    let steps: &[f64] = if high - low > MOST_DECADES { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = (low.floor() as i32)..=(high.ceil() as i32);
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    all.filter(|tick| (low..=high).contains(&tick.log10())).collect()
}

fn label(tick: f64) -> String {
    if (0.01..1e5).contains(&tick) { format!("{}", (tick * 1e6).round() / 1e6) } else { format!("{tick:.0e}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plot_has_a_mark_for_each_value_and_a_file_for_each_profile() {
        let mut report = Report::new("serving");
        for (profile, simulated) in [("fitted", 100.0), ("datasheet", 0.0), ("datasheet", 120.0)] {
            report.points.push(json!({
                "source": "sweep", "profile": profile, "model": "a<b", "band": "le76", "metric": "e2e_mean",
                "measured": 100.0, "simulated": simulated,
            }));
        }
        let files = plots(&report);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["sweep-datasheet.svg", "sweep-fitted.svg"]);
        for (_, text) in &files {
            // One of the legend by band, one by model, one value: what is 0 has no logarithm.
            assert_eq!(text.matches("<circle").count(), 3, "{text}");
            assert!(text.contains("a&lt;b") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        // 100 against 100 is on the diagonal.
        let fitted = &files[1].1;
        let value = fitted.lines().rfind(|line| line.starts_with("<circle")).unwrap();
        assert!(value.contains("cx=\"125.0\" cy=\"125.0\""), "{value}");
    }
}
