/**
 * How a report looks: system fonts, one accent, light and dark by what the reader prefers, and on paper. Every pair of text and
 * ground has a contrast of 4.5 or more, every line and mark of a picture one of 3; shades of heat maps are one hue by lightness.
 */
export const STYLE_SHEET = `
:root{color-scheme:light dark;
--ground:#fff;--raised:#f5f7f9;--ink:#1c2128;--soft:#525b66;--line:#d3d9e0;--strong:#7b8794;--accent:#0b4f9c;--on-accent:#fff;--null:#b9c4d0;
--h0:#eef2f7;--h1:#cfdcec;--h2:#a5c0df;--h3:#6f9ccb;--h4:#3a73b0;--h5:#0b4f9c}
@media (prefers-color-scheme:dark){:root{
--ground:#14181d;--raised:#1d232a;--ink:#e6eaef;--soft:#a9b4c0;--line:#363f49;--strong:#7f8b98;--accent:#8fc1ff;--on-accent:#10151b;--null:#56626f;
--h0:#1f2731;--h1:#2a3d52;--h2:#36597d;--h3:#4a7fb3;--h4:#6ba3dc;--h5:#a8d0ff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem;color:var(--soft);font-size:.875rem}
footer{padding-top:1rem;padding-bottom:3rem;color:var(--soft);font-size:.875rem;border-top:1px solid var(--line);margin-top:4rem}
h1,h2,h3{line-height:1.25;font-weight:650;text-wrap:balance}
h1{font-size:1.75rem;margin:.25rem 0 1rem}
h2{font-size:1.25rem;margin:3rem 0 .75rem}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.5rem 0 .75rem;max-width:44rem}
ul,ol{margin:.5rem 0;padding-left:1.25rem;max-width:44rem}
li{margin:.25rem 0}
a{color:var(--accent)}
code,.hash{font:.8125rem/1.5 ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{margin:.5rem 0;padding:.75rem 1rem;background:var(--raised);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap}
.soft{color:var(--soft)}
.small{font-size:.875rem}
.verdict{margin:1rem 0 1.5rem;padding:1.25rem 1.5rem;background:var(--raised);border:1px solid var(--line);border-left:6px solid var(--strong);border-radius:6px}
.verdict.claim{border-left-color:var(--accent)}
.verdict .word{display:inline-block;margin:0 0 .5rem;padding:.1rem .6rem;border-radius:1rem;font-size:.8125rem;font-weight:650;border:1px solid var(--strong);color:var(--ink)}
.verdict.claim .word{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.verdict h1,.verdict h2{margin:0 0 .5rem;max-width:none}
.verdict p:last-child{margin-bottom:0}
.scroll{overflow-x:auto;margin:.75rem 0;border:1px solid var(--line);border-radius:6px}
.scroll:focus-visible,button:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.tall{max-height:40rem;overflow-y:auto;contain:strict;height:40rem}
.tall table{table-layout:fixed;min-width:60rem}.tall th.wide{width:26%}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.5rem .75rem;color:var(--soft)}
caption span{position:sticky;left:.75rem;display:inline-block;max-width:min(100%,calc(100vw - 4.5rem))}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem;border-top:1px solid var(--line);unicode-bidi:isolate;min-width:7.25rem}
thead th{border-top:0;background:var(--raised);font-weight:650;white-space:nowrap;overflow-wrap:normal}
caption+thead th{border-top:1px solid var(--line)}
td.number,th.number{text-align:right;white-space:nowrap;min-width:0}
td.wide,th.wide{min-width:13rem}
.tall thead th{position:sticky;top:0}
thead button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;cursor:pointer;text-decoration:underline dotted;text-underline-offset:3px}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.35rem 1.25rem;margin:.75rem 0;font-size:.875rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0;unicode-bidi:isolate}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.25rem;margin:1rem 0}
figure{margin:0;padding:.75rem;border:1px solid var(--line);border-radius:6px;min-width:0}
figure svg{display:block;width:100%;max-width:30rem;height:auto}
figcaption{font-size:.8125rem;color:var(--soft);margin-top:.5rem}
figcaption strong{color:var(--ink)}
svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
svg .dim{fill:var(--soft)}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}
svg .axis{stroke:var(--strong);stroke-width:1;fill:none}
svg .grid{stroke:var(--line);stroke-width:1;fill:none}
svg .null{fill:var(--null);stroke:var(--strong);stroke-width:1}
svg .mark{stroke:var(--accent);stroke-width:2.5;fill:none}
svg .second{stroke:var(--ink);stroke-width:2;stroke-dasharray:4 3;fill:none}
svg .dot{fill:var(--accent)}svg .ring{fill:var(--ground);stroke:var(--ink);stroke-width:2}
svg .h0{fill:var(--h0)}svg .h1{fill:var(--h1)}svg .h2{fill:var(--h2)}svg .h3{fill:var(--h3)}svg .h4{fill:var(--h4)}svg .h5{fill:var(--h5)}
svg .edge{stroke:var(--strong);fill:none}svg .node{fill:var(--raised);stroke:var(--strong)}
summary{cursor:pointer;font-weight:650}
details{margin:1rem 0}
nav ol{columns:2 16rem}
@media (max-width:30rem){h1{font-size:1.375rem}.verdict{padding:1rem}dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.5rem}}
@media print{
:root{color-scheme:light;--ground:#fff;--raised:#f5f7f9;--ink:#000;--soft:#444;--line:#bbb;--strong:#777;--accent:#0b4f9c;--on-accent:#fff;--null:#b9c4d0;
--h0:#eef2f7;--h1:#cfdcec;--h2:#a5c0df;--h3:#6f9ccb;--h4:#3a73b0;--h5:#0b4f9c}
@page{margin:18mm 16mm}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:10pt}
header,main,footer{max-width:none;padding:0}
.scroll{overflow:visible;border:0}.tall{max-height:none;height:auto;contain:none}.tall table{min-width:0}.tall thead th{position:static}
table{font-size:8pt}th,td{padding:.25rem .4rem;min-width:0}td.wide,th.wide{min-width:0}
tr,figure,.verdict,dl,li{break-inside:avoid}thead{display:table-header-group}
h2,h3{break-after:avoid}article+article{break-before:page}
details::details-content{content-visibility:visible;height:auto;display:block}
nav{display:none}}
`;
