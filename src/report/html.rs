//! What every HTML page of ours shares: one file, no network, no script, readable on a phone and printable.

use crate::plan_file::is_deceptive;

/// A text as HTML shows it, without what could be taken for markup or move a reader's eye.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push('\n'),
            '\t' => safe.push(' '),
            c if c.is_control() || is_deceptive(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A heading with HTML under it.
pub(super) fn section(heading: &str, html: &str) -> String {
    format!("<section><h2>{}</h2>{html}</section>", escape(heading))
}

/// What is typed, a line each. A line that is too long for the page goes on under itself, indented, so that it is
/// not taken for two.
pub(super) fn commands(text: &str) -> String {
    let lines: String = text
        .lines()
        .map(|line| format!("<span>{}</span>", escape(line)))
        .collect();
    format!("<pre>{lines}</pre>")
}

/// Texts as a list.
pub(super) fn list(texts: &[String]) -> String {
    let items: String = texts
        .iter()
        .map(|text| format!("<li>{}</li>", escape(text)))
        .collect();
    format!("<ul>{items}</ul>")
}

/// A table that a phone shows as a list of its rows, each cell beside the name of its column.
pub(super) struct Table {
    columns: Vec<&'static str>,
    rows: String,
}

impl Table {
    /// One without rows.
    pub(super) fn new(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: String::new(),
        }
    }

    /// Adds a row, whose cells are HTML. The first cell names the row.
    pub(super) fn row<const CELLS: usize>(&mut self, cells: [String; CELLS]) {
        self.rows.push_str("<tr>");
        for (place, (column, cell)) in self.columns.iter().zip(&cells).enumerate() {
            let (tag, scope) = match place {
                0 => ("th", " scope=\"row\""),
                _ => ("td", ""),
            };
            self.rows.push_str(&format!(
                "<{tag}{scope} data-column=\"{column}\">{cell}</{tag}>"
            ));
        }
        self.rows.push_str("</tr>");
    }

    /// The table as HTML.
    pub(super) fn html(&self) -> String {
        let head: String = self
            .columns
            .iter()
            .map(|column| format!("<th scope=\"col\">{column}</th>"))
            .collect();
        // Beside the name of a row, a single value needs no name of its own.
        let class = match self.columns.len() {
            0..=2 => " class=\"pairs\"",
            _ => "",
        };
        format!(
            "<table{class}><thead><tr>{head}</tr></thead><tbody>{}</tbody></table>",
            self.rows
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d0d7de;--soft:#f6f8fa;--warn:#b3261e;--good:#1a7f37;--amber:#8a5a00;--bar:#3b7ea1}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--line:#3d444d;--soft:#161b22;--warn:#ff7b72;--good:#56d364;--amber:#e3b341;--bar:#58a6ff}}\
*{box-sizing:border-box}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}\
h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.1rem;margin:0 0 .3rem}\
section{border-top:1px solid var(--line);padding:1rem 0}\
ul,ol{margin:.3rem 0;padding-left:1.2rem}code,pre{font-family:ui-monospace,monospace;font-size:.85rem}\
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow-x:auto;white-space:pre-wrap}pre span{display:block;padding-left:1.5em;text-indent:-1.5em;min-height:1lh}\
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.3rem .5rem}\
thead th{white-space:nowrap}td{min-width:4.5rem}tbody th{font-weight:600;min-width:7.5rem}tbody tr:last-child>*{border-bottom:0}time{white-space:nowrap}small{font-weight:400}.chip{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .6rem;margin:0 .4rem .4rem 0}\
.note{white-space:pre-wrap;border-left:3px solid var(--line);padding-left:.7rem}.bad{color:var(--warn)}\
.verdict{border:2px solid;border-radius:6px;padding:.4rem .7rem;font-weight:600}\
.verdict.green{color:var(--good)}.verdict.amber{color:var(--amber)}.verdict.red{color:var(--warn)}\
.timeline{list-style:none;padding:0;font-size:.9rem}.timeline li{border-left:3px solid var(--line);padding:.2rem 0 .2rem .7rem}.timeline time{font-variant-numeric:tabular-nums}\
.picture{display:block;margin:.5rem 0;overflow:hidden}.picture text{font-size:12px;fill:var(--ink);stroke:var(--paper);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}.picture .name{font-weight:600}\
.picture .clock{font-size:11px;opacity:.75}.picture .bad text{fill:var(--warn)}.picture .rto-tag,.picture .tag{font-weight:600}\
.work{fill:var(--bar);stroke:var(--bar)}.person,.between{stroke:var(--ink)}.deciding .work,.deciding .person,.deciding .between{stroke:var(--ink);stroke-width:2.5}\
.bad .work{stroke:var(--warn);stroke-width:2.5;stroke-dasharray:4 2}\
.ground{fill:var(--paper)}.stripe,.dot,.faint{fill:var(--ink)}.faint{opacity:.35}\
.tick,.ground-line{stroke:var(--line)}.rto{stroke:var(--warn);stroke-width:2;stroke-dasharray:6 3}.picture .rto-tag{fill:var(--warn)}\
.legend{list-style:none;padding:0;font-size:.9rem}.legend .key{vertical-align:middle}\
@media(max-width:40rem){thead{display:none}table,tbody,tr,th,td{display:block;border:0;padding:0}tbody th,td{min-width:0}tr{border-bottom:1px solid var(--line);padding:.5rem 0}tbody tr:last-child{border:0}\
table:not(.pairs) td:not(:empty)::before{content:attr(data-column) \": \";opacity:.75}}\
@media print{:root{color-scheme:light;--ink:#000;--paper:#fff;--line:#999;--soft:#fff;--warn:#900;--good:#063;--amber:#640;--bar:#777}\
body{max-width:none;padding:0;print-color-adjust:exact;-webkit-print-color-adjust:exact}h2{break-after:avoid}tr,li,pre,.step{break-inside:avoid}}";

/// A whole page around a body that is HTML already.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body>{body}</body></html>\n",
        escape(title)
    )
}
