//! What every HTML page of ours shares: one file, no network, no script, readable on a phone and printable.

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
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d0d7de;--soft:#f6f8fa;--warn:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--line:#30363d;--soft:#161b22;--warn:#ff7b72}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.1rem;margin:0 0 .3rem}\
section{border-top:1px solid var(--line);padding:1rem 0;break-inside:avoid}\
ul{margin:.3rem 0;padding-left:1.2rem}code,pre{font-family:ui-monospace,monospace;font-size:.85rem}\
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.3rem .5rem;overflow-wrap:anywhere}\
small{font-weight:400}.chip{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .6rem;margin:0 .4rem .4rem 0}\
.note{white-space:pre-wrap;border-left:3px solid var(--line);padding-left:.7rem}.bad{color:var(--warn)}\
summary{cursor:pointer;font-weight:600;margin:.6rem 0}\
@media print{details{display:block}body{max-width:none}}";

/// A whole page around a body that is HTML already.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body>{body}</body></html>\n",
        escape(title)
    )
}
